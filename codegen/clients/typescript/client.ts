// Asks /api/v1 with the types of the OpenAPI document: `createPsa({ baseUrl, apiKey })`.
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./rest.js";

export type { components, paths };
export type Problem = components["schemas"]["Problem"];
export type Psa = Client<paths>;

export interface Options {
  /** The platform's origin, as https://psa.example.com. */
  baseUrl: string;
  /** A key of a person or of an account; or else a token. */
  apiKey?: string;
  token?: string;
  /** How often a request is sent again that was one too many, or met an absent module: 2 by default. */
  retries?: number;
}

/** The request was answered with a problem document (RFC 9457). */
export class PsaProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`);
    this.name = "PsaProblem";
    this.problem = problem;
  }
}

/** A client that waits when it is told to, and throws a `PsaProblem` for every refusal. */
export function createPsa({ baseUrl, apiKey, token, retries = 2 }: Options): Psa {
  const headers: Record<string, string> = { accept: "application/json" };
  if (apiKey !== undefined) headers["X-API-Key"] = apiKey;
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const client = createClient<paths>({
    baseUrl: `${baseUrl.replace(/\/$/, "")}/api/v1`,
    headers,
    fetch: (request) => patient(request, retries),
    querySerializer: { array: { style: "form", explode: false } },
  });
  client.use(thrown);
  return client;
}

const thrown: Middleware = {
  async onResponse({ response }) {
    if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
      throw new PsaProblem((await response.json()) as Problem);
    }
    return response;
  },
};

async function patient(request: Request, retries: number): Promise<Response> {
  // What changes something is sent again only if its key makes sure that it is done once.
  const repeatable = request.method === "GET" || request.headers.has("Idempotency-Key");
  for (let left = retries; ; left -= 1) {
    const response = await fetch(request.clone());
    const wait = Number(response.headers.get("retry-after"));
    const again = response.status === 429 || (response.status === 503 && repeatable);
    if (!again || left === 0 || !Number.isFinite(wait) || wait > 60) return response;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

interface PageOf<T> {
  data: T[];
  page: { hasMore: boolean; nextCursor: string | null };
}

/** Every thing of a list, page by page: `for await (const ticket of everything((cursor) => psa.GET("/tickets", …)))`. */
export async function* everything<T>(
  ask: (cursor: string | undefined) => Promise<{ data?: PageOf<T> }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const { data } = await ask(cursor);
    if (data === undefined) return;
    yield* data.data;
    cursor = data.page.hasMore ? (data.page.nextCursor ?? undefined) : undefined;
  } while (cursor !== undefined);
}
