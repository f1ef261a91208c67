// Does with the named client what applications do: a query, a mutation, persisted queries by POST and GET, files.
// Prints one JSON object with all answers.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.MODULES + "/");
const [client, url] = process.argv.slice(2);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const file = (text, name) => new File([text], name, { type: "text/plain" });
const preflight = { "apollo-require-preflight": "true" };

// Named after the client, so that what one has taught the router is news of the other.
const QUERY = `query ${client.replace(/\W/g, "")}($id: ID!) { customer(id: $id) { name tickets(status: "open") { id title } } }`;
const MUTATION = "mutation Rename($name: String!) { rename(name: $name) { id name } }";
const UPLOAD = "mutation Store($files: [Upload!]!) { store(files: $files) }";

const requests = [];
const counted = (input, init) => {
  requests.push(`${init?.method ?? "GET"} ${(init?.body ?? "").toString().includes("persistedQuery") || String(input).includes("persistedQuery") ? "hash" : "text"}`);
  return fetch(input, init);
};

const clients = {
  "Apollo Client": async () => {
    const { ApolloClient, InMemoryCache, HttpLink, gql, ApolloLink } = require("@apollo/client/core");
    const { createPersistedQueryLink } = require("@apollo/client/link/persisted-queries");
    const upload = await import(pathToFileURL(require.resolve("apollo-upload-client/createUploadLink.mjs")));
    const made = (link) => new ApolloClient({ link, cache: new InMemoryCache() });
    const plain = made(new HttpLink({ uri: url }));
    const http = new HttpLink({ uri: url, fetch: counted });
    const byHash = made(ApolloLink.from([createPersistedQueryLink({ sha256, useGETForHashedQueries: true }), http]));
    const files = made(upload.default({ uri: url, headers: preflight }));
    const fresh = { fetchPolicy: "no-cache" };
    return {
      query: (await plain.query({ query: gql(QUERY), variables: { id: "123" }, ...fresh })).data,
      mutation: (await plain.mutate({ mutation: gql(MUTATION), variables: { name: "New" } })).data,
      learned: (await byHash.query({ query: gql(QUERY), variables: { id: "123" }, ...fresh })).data,
      known: (await byHash.query({ query: gql(QUERY), variables: { id: "123" }, ...fresh })).data,
      uploaded: (await files.mutate({ mutation: gql(UPLOAD), variables: { files: [file("one", "1.txt"), file("two", "2.txt")] } })).data,
    };
  },
  urql: async () => {
    const { Client, fetchExchange } = require("@urql/core");
    const { persistedExchange } = require("@urql/exchange-persisted");
    const made = (exchanges, more) => new Client({ url, exchanges, requestPolicy: "network-only", preferGetMethod: false, ...more });
    const plain = made([fetchExchange]);
    const persisted = persistedExchange({ generateHash: async (query) => sha256(query), preferGetForPersistedQueries: true });
    const byHash = made([persisted, fetchExchange], { fetch: counted });
    const files = made([fetchExchange], { fetchOptions: { headers: preflight } });
    const data = ({ data, error }) => {
      if (error) throw error;
      return data;
    };
    return {
      query: data(await plain.query(QUERY, { id: "123" }).toPromise()),
      mutation: data(await plain.mutation(MUTATION, { name: "New" }).toPromise()),
      learned: data(await byHash.query(QUERY, { id: "123" }).toPromise()),
      known: data(await byHash.query(QUERY, { id: "123" }).toPromise()),
      uploaded: data(await files.mutation(UPLOAD, { files: [file("one", "1.txt"), file("two", "2.txt")] }).toPromise()),
    };
  },
};

const answers = await clients[client]();
console.log(JSON.stringify({ ...answers, requests }));
