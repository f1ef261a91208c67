"""The developers' page: a query editor and the schema's documentation, served from our own files.

`page.py` serves it, `site/` is what we wrote, `static/` what others publish, `vendor.py` fetches that.

The editor is Hive's laboratory, one script without a build step: builder, documentation, collections, history, variables,
subscriptions and a view of query plans (`extensions.queryPlan`). It was chosen to grow into more:

* Every request and answer passes `site/transport.js`, which is where a trace, or the role to look as, gets in and out.
* The schema is fetched by `site/transport.js` and handed to the editor, so that a map of it needs no second request.
* The laboratory takes plugins: a tab may show any custom element, and sees schema, operations and history. It exports no
  React, and needs none: `{$$typeof: Symbol.for("react.element"), type: "our-element", key: null, ref: null, props: {}}`.
* Beside it stand our own views (`site/views.js`), a module each, loaded when it is looked at: the schema map, the last run, the
  operation as code, the catalogue, the changes. What they show comes from `server/explorer_data.py`, `/api/v1/openapi.json` and
  `extensions.trace`.
* What it can't show fits beside it: the frame around it is ours.
"""
