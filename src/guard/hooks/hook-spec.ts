import { X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** Name of the Secret that signs, unless the hook names another. The gate may read Secrets of this name only. */
export const defaultHookSecret = 'sallyport-guard-hook';

const caBundle = z.base64().refine((text) => isPem(Buffer.from(text, 'base64').toString()), {
  error: 'expected PEM certificates in base64, as the caBundle of a webhook configuration',
});

const url = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text.replaceAll(placeholder, 'x'))?.protocol ?? ''), {
    error: 'expected an http or https URL such as "http://{podIP}:8080/departure"',
  })
  .refine((text) => !/[?#]/.test(text), { error: 'expected no query and no fragment' })
  // It is told in logs, and anybody may read a DeletionGuard.
  .refine((text) => !text.includes('@'), { error: 'expected no user and no password; see secretRef' })
  .refine((text) => !/[{}]/.test(text.replaceAll(placeholder, '')), {
    error: 'expected no placeholders but {podIP}, {name} and {namespace}',
  });

/** What a URL may leave open until it is called for a Pod. */
export const placeholder = /\{(podIP|name|namespace)\}/g;

const jobTemplate = z.looseObject({
  metadata: z.looseObject({}).optional(),
  spec: z.looseObject({
    template: z.looseObject({ spec: z.looseObject({ containers: z.array(z.looseObject({})).min(1) }) }),
  }),
});

/**
 * `spec.hook` of a DeletionGuard: what the application offers for its clean-up. Exactly one of the two.
 *
 * What a Job template may hold is left to the API server, which checks the Job when it is made.
 */
export const hookSpecSchema = z
  .strictObject({
    http: z
      .strictObject({
        /** `/start`, `/status` and `/undo` are called below it. */
        url,
        /** For one call, 1–30. */
        timeoutSeconds: z.int().min(1).max(30).default(5),
        /** PEM in base64. Default: the authorities that Node trusts. */
        caBundle: caBundle.optional(),
        /** Secret in the guard's namespace that signs each call. Default: calls are not signed. */
        secretRef: z
          .strictObject({
            name: z.string().min(1).default(defaultHookSecret),
            key: z.string().min(1).default('secret'),
          })
          .optional(),
      })
      .optional(),
    job: z
      .strictObject({
        template: jobTemplate,
        /** Run when the hold is called off. Default: the Job is deleted, which stops it, and that is all. */
        undoTemplate: jobTemplate.optional(),
        /** How long ended Jobs can be looked at; at least 60. */
        ttlSecondsAfterFinished: z.int().min(60).default(3600),
      })
      .optional(),
  })
  .refine(({ http, job }) => (http === undefined) !== (job === undefined), {
    error: 'expected exactly one of http and job',
  });

export type HookSpec = z.output<typeof hookSpecSchema>;
export type HttpHookSpec = NonNullable<HookSpec['http']>;
export type JobHookSpec = NonNullable<HookSpec['job']>;

function isPem(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== undefined;
  } catch {
    return false;
  }
}
