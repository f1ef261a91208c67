// Clients as their users have them, each sending one operation with `@defer`: prints what each of them hands to its user, step by step.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.CLIENTS}/index.js`);
const url = process.env.ROUTER_URL;
const query = process.env.QUERY;

const say = (client, steps) => console.log(JSON.stringify({ client, steps }));

async function apollo3() {
  const { ApolloClient, ApolloLink, HttpLink, InMemoryCache, Observable, gql } = require("apollo-client-3/core/core.cjs");
  let ended;
  const whole = new Promise((resolve) => (ended = resolve));
  // This version does not tell its user that no more is to come; only the link knows.
  const end = new ApolloLink((operation, forward) => {
    return new Observable((observer) => {
      const complete = () => (observer.complete(), ended());
      const subscription = forward(operation).subscribe({ ...bound(observer), complete });
      return () => subscription.unsubscribe();
    });
  });
  const link = end.concat(new HttpLink({ uri: url, fetch }));
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const steps = [];
  const subscription = client.watchQuery({ query: gql(query), errorPolicy: "all" }).subscribe(({ data, errors }) => {
    steps.push({ data: structuredClone(data), errors: errors?.map((error) => error.message) });
  });
  await whole;
  await new Promise((resolve) => setTimeout(resolve, 0));
  subscription.unsubscribe();
  say("apollo-client 3", steps);
}

const bound = (observer) => ({ next: (step) => observer.next(step), error: (fault) => observer.error(fault) });

async function apollo4(name, handler) {
  const { ApolloClient, HttpLink, InMemoryCache, gql } = require("@apollo/client");
  const incremental = require("@apollo/client/incremental");
  const client = new ApolloClient({
    link: new HttpLink({ uri: url, fetch }),
    cache: new InMemoryCache(),
    incrementalHandler: new incremental[handler](),
  });
  const steps = await new Promise((resolve, reject) => {
    const found = [];
    const subscription = client.watchQuery({ query: gql(query), errorPolicy: "all" }).subscribe({
      next: ({ data, dataState, error }) => {
        if (dataState !== "empty") found.push({ data: structuredClone(data), errors: error?.errors?.map((one) => one.message) });
        if (dataState === "complete") {
          subscription.unsubscribe();
          resolve(found);
        }
      },
      error: reject,
    });
  });
  say(name, steps);
}

async function urql() {
  const { Client, fetchExchange } = require("@urql/core");
  const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
  const steps = await new Promise((resolve) => {
    const found = [];
    const { unsubscribe } = client.query(query, {}).subscribe((result) => {
      found.push({ data: structuredClone(result.data), errors: result.error?.graphQLErrors.map((one) => one.message) });
      if (!result.hasNext) {
        queueMicrotask(() => unsubscribe());
        resolve(found);
      }
    });
  });
  say("urql", steps);
}

const clients = {
  "apollo-client 3": apollo3,
  "apollo-client 4": () => apollo4("apollo-client 4", "Defer20220824Handler"),
  "apollo-client 4, draft": () => apollo4("apollo-client 4, draft", "GraphQL17Alpha9Handler"),
  urql,
};
await clients[process.env.CLIENT]();
process.exit(0);
