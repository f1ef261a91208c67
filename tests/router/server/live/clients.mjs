// Subscribes as an application would, with the client that is named, and prints what it gets: one JSON per line.
import { createRequire } from "node:module";

const require = createRequire(process.env.MODULES + "/");
const [client, url, query, wanted] = process.argv.slice(2);
const token = process.env.TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};
let left = Number(wanted);

const say = (what) => console.log(JSON.stringify(what));

const clients = {
  "graphql-ws": () => {
    const { createClient } = require("graphql-ws");
    const { WebSocket } = require("ws");
    const options = { url: url.replace("http", "ws"), webSocketImpl: WebSocket, connectionParams: headers };
    const made = createClient(options);
    return (sink) => made.subscribe({ query }, sink);
  },
  "graphql-sse": () => {
    const { createClient } = require("graphql-sse");
    const made = createClient({ url, headers });
    return (sink) => made.subscribe({ query }, sink);
  },
  "graphql-sse over one connection": () => {
    const { createClient } = require("graphql-sse");
    const made = createClient({ url, headers, singleConnection: true });
    return (sink) => made.subscribe({ query }, sink);
  },
  "Apollo Client": () => {
    const { ApolloClient, InMemoryCache, HttpLink, gql } = require("@apollo/client/core");
    const made = new ApolloClient({ link: new HttpLink({ uri: url, headers }), cache: new InMemoryCache() });
    return (sink) => {
      const subscription = made.subscribe({ query: gql(query), fetchPolicy: "no-cache" }).subscribe(sink);
      return () => subscription.unsubscribe();
    };
  },
  urql: () => {
    const { Client, fetchExchange } = require("@urql/core");
    const made = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: { headers } });
    return (sink) => {
      const take = ({ data, error }) => (error ? sink.error(error) : sink.next({ data }));
      return made.subscription(query, {}).subscribe(take).unsubscribe;
    };
  },
};

// Node's fetch rejects once more, for nobody, when urql takes back a request whose answer is being read.
process.on("unhandledRejection", (reason) => {
  if (left > 0) throw reason;
});

const subscribe = clients[client]();
const stop = subscribe({
  next: ({ data, errors }) => {
    say({ data, ...(errors ? { errors } : {}) });
    left -= 1;
    if (left === 0) {
      stop();
      setTimeout(() => process.exit(0), 300);
    }
  },
  error: (error) => {
    if (left <= 0) return; // what a client says of its own leaving
    say({ error: String(error?.message ?? error) });
    process.exit(1);
  },
  complete: () => {},
});
