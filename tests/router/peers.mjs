// Answers operations as other gateways do: one JSON line in (gateway, name, supergraph, query, variables), one out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const require = createRequire(`${folder}/package.json`);
const quiet = { debug() {}, info() {}, warn() {}, error() {}, trace() {}, child: () => quiet };
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

async function apollo(supergraph) {
  const { ApolloGateway } = require("@apollo/gateway");
  const { ApolloServer } = require("@apollo/server");
  const gateway = new ApolloGateway({ supergraphSdl: supergraph, logger: quiet });
  const server = new ApolloServer({ gateway, logger: quiet });
  await server.start();
  return async (query, variables) => (await server.executeOperation({ query, variables })).body.singleResult;
}

const hive = (handler) => async (supergraph) => {
  const { createGatewayRuntime } = await load("@graphql-hive/gateway");
  const unifiedGraphHandler = handler ? (await load("@graphql-hive/router-runtime")).unifiedGraphHandler : undefined;
  const runtime = createGatewayRuntime({ supergraph, logging: false, maskedErrors: false, unifiedGraphHandler });
  return async (query, variables) => {
    const response = await runtime.fetch("http://gateway/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  };
};

const kinds = { apollo, hive: hive(false), "hive-rust": hive(true) };
const running = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const { gateway, name, supergraph, query, variables } = JSON.parse(line);
  let answer;
  try {
    const key = `${gateway}/${name}`;
    if (!running.has(key)) running.set(key, await kinds[gateway](supergraph));
    answer = await running.get(key)(query, variables);
  } catch (error) {
    answer = { failed: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
