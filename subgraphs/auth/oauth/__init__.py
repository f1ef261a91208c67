"""OAuth 2.1 and OpenID Connect: Authlib's grants on our tables."""
