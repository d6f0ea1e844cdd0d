import { quote } from '../../../api/go-quote.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../../../api/names.ts';
import { SallyportError } from '../../../errors.ts';
import { aggregateText } from '../aggregate.ts';
import { levelProblem, parseLevel, parseVersion, versionProblem, type LevelVersion } from './level-version.ts';
import type { Mode, Policy } from './namespace-policy.ts';

/**
 * What the plug-in is configured with, in the fields of `PodSecurityConfiguration` of
 * pod-security.admission.config.k8s.io/v1.
 *
 * Source: k8s.io/pod-security-admission v0.37.2 admission/api/v1/types.go.
 */
export interface PodSecurityConfiguration {
  /** For namespaces without labels. Default, as of `""`: `privileged` and `latest`. */
  readonly defaults?: { readonly [setting in Mode | `${Mode}-version`]?: string };
  /** Whose Pods are not looked at. Default: nobody's. */
  readonly exemptions?: {
    /** Of who creates or updates the Pod or workload; a controller creates Pods under its own name. */
    readonly usernames?: readonly string[];
    readonly namespaces?: readonly string[];
    /** Of Pods with this `spec.runtimeClassName`. */
    readonly runtimeClasses?: readonly string[];
  };
}

/** The configuration checked, with its defaults filled in. */
export interface ResolvedConfiguration {
  readonly defaultPolicy: Policy;
  readonly exemptions: {
    readonly usernames: ReadonlySet<string>;
    readonly namespaces: ReadonlySet<string>;
    readonly runtimeClasses: ReadonlySet<string>;
  };
}

/**
 * Throws {@link PodSecurityConfigurationError} with the API server's own texts.
 *
 * Source: admission/admission.go, CompleteConfiguration; admission/api/validation/validation.go.
 */
export function resolvePodSecurityConfiguration({
  defaults = {},
  exemptions: { usernames = [], namespaces = [], runtimeClasses = [] } = {},
}: PodSecurityConfiguration): ResolvedConfiguration {
  const defaultProblems: string[] = [];
  const readMode = (mode: Mode): LevelVersion => {
    const level = parseLevel(defaults[mode] || 'privileged');
    const version = parseVersion(defaults[`${mode}-version`] || 'latest');
    if (level === undefined) defaultProblems.push(`${mode}: ${levelProblem}`);
    if (version === undefined) defaultProblems.push(`${mode}-version: ${versionProblem}`);
    return { level: level ?? 'restricted', version: version ?? 'latest' };
  };
  const defaultPolicy = { enforce: readMode('enforce'), audit: readMode('audit'), warn: readMode('warn') };
  if (defaultProblems.length > 0) {
    throw new PodSecurityConfigurationError(`PodSecurity configuration error: ${aggregateText(defaultProblems)}`);
  }

  const exemptionProblems = [
    ...listProblems('namespaces', namespaces, dns1123LabelProblems),
    ...listProblems('runtimeClasses', runtimeClasses, dns1123SubdomainProblems),
    ...listProblems('usernames', usernames, (name) => (name === '' ? ['username must not be empty'] : [])),
  ];
  if (exemptionProblems.length > 0) {
    throw new PodSecurityConfigurationError(`PodSecurity invalid: ${aggregateText(exemptionProblems)}`);
  }
  return {
    defaultPolicy,
    exemptions: {
      usernames: new Set(usernames),
      namespaces: new Set(namespaces),
      runtimeClasses: new Set(runtimeClasses),
    },
  };
}

/** The API server would not start with this configuration. */
export class PodSecurityConfigurationError extends SallyportError {
  readonly code = 'SALLYPORT_POD_SECURITY_CONFIGURATION';
}

function listProblems(
  field: string,
  values: readonly string[],
  problemsOf: (value: string) => readonly string[],
): string[] {
  const seen = new Set<string>();
  return values.flatMap((value, index) => {
    const path = `exemptions.${field}[${index}]`;
    const problems = problemsOf(value);
    if (problems.length > 0) return [`${path}: Invalid value: ${quote(value)}: ${problems.join(', ')}`];
    if (seen.has(value)) return [`${path}: Duplicate value: ${quote(value)}`];
    seen.add(value);
    return [];
  });
}
