/** Follows requests through processes. Who traces nothing has none: there is no tracer that does nothing. */
export interface Tracer {
  /** Begins a span for a request that came over HTTP; its parent is the span that the headers tell of. */
  startRequest(name: string, headers: RequestHeaders, attributes: SpanAttributes): Span;
}

export interface Span {
  /** Runs `work` with this span as the current one: what is begun in it, or awaited by it, is a child of this. */
  run<T>(work: () => T): T;
  /** Ends it; `problem` says why it failed, if it did. */
  end(attributes: SpanAttributes, problem?: string): void;
}

export interface RequestHeaders {
  readonly [name: string]: string | readonly string[] | undefined;
}

/** As in metrics and logs: nothing of an object. */
export interface SpanAttributes {
  readonly [name: string]: string | number | boolean | undefined;
}
