// Apollo's composer as a process: one request per line {"id", "subgraphs": [{"name", "url", "sdl"}]}, one answer per line.
const { composeServices } = require('@apollo/composition')
const { parse } = require('graphql')

const place = (node) => ({
  subgraph: node?.subgraph ?? null,
  line: node?.loc?.startToken?.line ?? 0,
  column: node?.loc?.startToken?.column ?? 0,
})
const places = (problem) => (problem.nodes ?? []).filter((node) => node?.loc).map(place)
const error = (problem) => ({ code: problem.extensions?.code ?? 'CRASH', message: problem.message, nodes: places(problem) })
const hint = (entry) => ({
  code: entry.definition.code,
  message: entry.message,
  coordinate: entry.coordinate ?? null,
  nodes: places(entry),
})

function answer({ subgraphs }) {
  try {
    const services = subgraphs.map(({ name, url, sdl }) => ({ name, url: url ?? undefined, typeDefs: parse(sdl) }))
    const { errors, supergraphSdl, hints } = composeServices(services)
    return errors
      ? { ok: false, errors: errors.map(error), hints: [] }
      : { ok: true, supergraph: supergraphSdl, hints: (hints ?? []).map(hint) }
  } catch (problem) {
    return { ok: false, errors: [{ code: 'CRASH', message: problem.message, nodes: [] }], hints: [] }
  }
}

require('node:readline')
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const request = JSON.parse(line)
    process.stdout.write(`${JSON.stringify({ id: request.id, ...answer(request) })}\n`)
  })
