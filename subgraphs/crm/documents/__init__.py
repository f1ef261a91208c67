"""Documents as customers read them: the quote on paper, in German and English."""
