import type { Attributes, TextMapGetter } from '@opentelemetry/api';
import type { RequestHeaders, SpanAttributes, Tracer } from './tracer.ts';

/**
 * Under this symbol the process keeps what an OpenTelemetry SDK has registered.
 * Source: @opentelemetry/api 1.9.0 `src/internal/global-utils.ts` registerGlobal.
 */
const registrations = Symbol.for('opentelemetry.js.api.1');

/**
 * Spans by the OpenTelemetry SDK that the user has registered in this process, such as with `node --import ./tracing.ts`; sampling,
 * exporting and the headers that are understood (`traceparent`) are its business. Undefined when there is none: then nothing
 * is loaded, and no request pays anything.
 */
export async function openTelemetryTracer(): Promise<Tracer | undefined> {
  if (!(registrations in globalThis)) return undefined;
  const { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import('@opentelemetry/api');
  const tracer = trace.getTracer('sallyport');
  const headerGetter: TextMapGetter<RequestHeaders> = {
    keys: (headers) => Object.keys(headers),
    get: (headers, name) => {
      const value = headers[name];
      return typeof value === 'string' || value === undefined ? value : [...value];
    },
  };
  return {
    startRequest(name, headers, attributes) {
      const parent = propagation.extract(ROOT_CONTEXT, headers, headerGetter);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes: defined(attributes) }, parent);
      const active = trace.setSpan(parent, span);
      return {
        run: (work) => context.with(active, work),
        end(ending, problem) {
          span.setAttributes(defined(ending));
          if (problem !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: problem });
          span.end();
        },
      };
    },
  };
}

/** The SDK takes an undefined value for a mistake. */
function defined(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
