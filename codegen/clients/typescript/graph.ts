// Asks /graphql with typed documents: `await ask({ baseUrl, apiKey }, CustomerDocument, { id: "123" })`.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";

export interface Door {
  baseUrl: string;
  apiKey?: string;
  token?: string;
}

/** The graph answered with errors; what it could tell nevertheless is in `data`. */
export class GraphErrors extends Error {
  readonly errors: readonly { message: string; extensions?: { code?: string } }[];
  readonly data: unknown;
  constructor(errors: GraphErrors["errors"], data: unknown) {
    super(errors.map((one) => one.message).join("; "));
    this.name = "GraphErrors";
    this.errors = errors;
    this.data = data;
  }
}

/** The data of an operation; throws `GraphErrors` when something of it failed. */
export async function ask<Data, Variables>(
  { baseUrl, apiKey, token }: Door,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const headers: Record<string, string> = { "content-type": "application/json", accept: "application/json" };
  if (apiKey !== undefined) headers["X-API-Key"] = apiKey;
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const body = JSON.stringify({ query: print(document), variables });
  const response = await fetch(`${baseUrl.replace(/\/$/, "")}/graphql`, { method: "POST", headers, body });
  const answer = (await response.json()) as { data?: Data; errors?: GraphErrors["errors"] };
  if (answer.errors !== undefined || answer.data === undefined) {
    throw new GraphErrors(answer.errors ?? [{ message: `status ${response.status}` }], answer.data);
  }
  return answer.data;
}
