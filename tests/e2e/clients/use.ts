// What a partner does on the first day, with the generated client; prints what came of it as JSON.
import { createPsa, everything, PsaProblem } from "./client.js";
import { ask, GraphErrors } from "./graph.js";
import { CreateTicketDocument, CustomerDocument, TicketsDocument } from "./graphql.js";

declare const process: { env: Record<string, string | undefined> };
const door = { baseUrl: process.env["PSA_URL"] ?? "", apiKey: process.env["PSA_KEY"] ?? "" };
const psa = createPsa(door);

async function problem(work: () => Promise<unknown>): Promise<[number, string, string | undefined]> {
  try {
    await work();
  } catch (refused) {
    if (refused instanceof PsaProblem) {
      const { status, code, errors } = refused.problem;
      return [status, code, errors?.[0]?.pointer ?? errors?.[0]?.param];
    }
    throw refused;
  }
  throw new Error("it was not refused");
}

const { data: customer } = await psa.GET("/customers/{id}", { params: { path: { id: "123" } } });
const customerId = customer!.id;

const numbers: string[] = [];
for await (const ticket of everything((cursor) =>
  psa.GET("/tickets", {
    params: { query: { customerId, limit: 2, fields: ["number"], ...(cursor === undefined ? {} : { cursor }) } },
  }),
)) {
  numbers.push(ticket.number ?? "");
}

const key = crypto.randomUUID();
const made = await psa.POST("/tickets", {
  params: { header: { "Idempotency-Key": key } },
  body: { customerId, title: "From TypeScript" },
});
const again = await psa.POST("/tickets", {
  params: { header: { "Idempotency-Key": key } },
  body: { customerId, title: "From TypeScript" },
});
const id = made.data!.id;
const tag = made.response.headers.get("etag") ?? "";
const patched = await psa.PATCH("/tickets/{id}", {
  params: { path: { id }, header: { "If-Match": tag } },
  body: { title: "Changed" },
  headers: { "content-type": "application/merge-patch+json" },
});
const stale = await problem(() =>
  psa.PATCH("/tickets/{id}", { params: { path: { id }, header: { "If-Match": tag } }, body: { title: "Too late" } }),
);
const wrong = await problem(() => psa.POST("/tickets", { body: { customerId, title: "" } }));
const absent = await problem(() => psa.GET("/tickets/{id}", { params: { path: { id: "T-0000-000000" } } }));
const bulk = await psa.POST("/tickets/bulk", {
  body: { items: [{ customerId, title: "One" }, { customerId: "nobody", title: "Two" }] },
});
const feed = await psa.GET("/changes", { params: { query: { since: "now" } } });
const graph = await ask(door, CustomerDocument, { id: "123", status: "open" });
const pages = await ask(door, TicketsDocument, { first: 2 });
const created = await ask(door, CreateTicketDocument, { input: { customerId, title: "By the graph" } });
const errors = await ask(door, TicketsDocument, { first: 100000 }).catch((error: unknown) => error);

console.log(
  JSON.stringify({
    pages: numbers.length > 2 && new Set(numbers).size === numbers.length,
    created: [made.response.status, made.response.headers.get("location") === `/api/v1/tickets/${id}`],
    same: again.data!.id === id,
    patched: [patched.data!.title, patched.data!.version],
    stale,
    wrong,
    absent,
    bulk: bulk.data!.results.map((one) => one.status),
    feed: feed.data!.page.nextCursor !== null,
    graph: [graph.customer?.name === customer!.name, pages.ticketsConnection.nodes.length],
    command: created.createTicket.errors.length,
    errors: errors instanceof GraphErrors,
  }),
);
