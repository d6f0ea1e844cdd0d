/**
 * The forms of names that Kubernetes prescribes. Each function lists what is wrong with `value` in the API server's
 * words, and gives [] for a legal one. Lengths are bytes of UTF-8; some of the server's messages nevertheless speak of
 * characters.
 *
 * Source: k8s.io/apimachinery v0.37.2 pkg/util/validation/validation.go and pkg/api/validate/content/{dns,kube}.go.
 */

/** A label of DNS as RFC 1123 has it, at most 63 long: names of namespaces and containers. Go: IsDNS1123Label. */
export function dns1123LabelProblems(value: string): string[] {
  const problems = isLongerThan(value, 63) ? [tooManyCharacters(63)] : [];
  if (dns1123Label.test(value)) return problems;
  const form = dns1123Subdomain.test(value)
    ? 'must not contain dots'
    : mustMatch(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        ['my-name', '123-abc'],
        dns1123LabelPattern,
      );
  return [...problems, form];
}

/** Labels of RFC 1123 joined by dots, at most 253 long: names of most objects. Go: validation.IsDNS1123Subdomain. */
export function dns1123SubdomainProblems(value: string): string[] {
  return subdomainProblems(value, tooManyCharacters(253));
}

/** A label of DNS as RFC 1035 has it: not starting with a digit, at most 63 long: names of Services. Go: IsDNS1035Label. */
export function dns1035LabelProblems(value: string): string[] {
  const problems = isLongerThan(value, 63) ? [tooManyCharacters(63)] : [];
  if (dns1035Label.test(value)) return problems;
  const form = mustMatch(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    ['my-name', 'abc-123'],
    dns1035LabelPattern,
  );
  return [...problems, form];
}

/**
 * `name` or `prefix.example.com/name`: keys of labels and annotations, names of resources, match conditions, audit
 * annotations. Go: IsQualifiedName, content.IsLabelKey.
 */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split('/');
  const name = parts.pop() ?? '';
  const [prefix, ...others] = parts;
  const form = mustMatch(nameMessage, ['MyName', 'my.name', '123-abc'], namePattern);
  if (others.length > 0) {
    return [`a valid label key ${form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const problems: string[] = [];
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    problems.push(...subdomainProblems(prefix, tooManyBytes(253)).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (isLongerThan(name, 63)) problems.push(`name part ${tooManyBytes(63)}`);
  if (!qualifiedNamePart.test(name)) problems.push(`name part ${form}`);
  return problems;
}

/** The value of a label: empty, or as the name part of a qualified name. Go: IsValidLabelValue. */
export function labelValueProblems(value: string): string[] {
  const problems = isLongerThan(value, 63) ? [tooManyBytes(63)] : [];
  if (labelValue.test(value)) return problems;
  const form = mustMatch(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    ['MyValue', 'my_value', '12345'],
    labelValuePattern,
  );
  return [...problems, form];
}

const dns1123LabelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123SubdomainPattern = `${dns1123LabelPattern}(\\.${dns1123LabelPattern})*`;
const dns1035LabelPattern = '[a-z]([-a-z0-9]*[a-z0-9])?';
const namePattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValuePattern = `(${namePattern})?`;

const dns1123Label = new RegExp(`^${dns1123LabelPattern}$`);
const dns1123Subdomain = new RegExp(`^${dns1123SubdomainPattern}$`);
const dns1035Label = new RegExp(`^${dns1035LabelPattern}$`);
const qualifiedNamePart = new RegExp(`^${namePattern}$`);
const labelValue = new RegExp(`^${labelValuePattern}$`);

const nameMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

function subdomainProblems(value: string, tooLong: string): string[] {
  const problems = isLongerThan(value, 253) ? [tooLong] : [];
  if (dns1123Subdomain.test(value)) return problems;
  const form = mustMatch(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    ['example.com'],
    dns1123SubdomainPattern,
  );
  return [...problems, form];
}

function isLongerThan(value: string, bytes: number): boolean {
  return value.length > bytes || Buffer.byteLength(value) > bytes;
}

function tooManyBytes(limit: number): string {
  return `must be no more than ${limit} bytes`;
}

function tooManyCharacters(limit: number): string {
  return `must be no more than ${limit} characters`;
}

/** The stray comma before "or" is the server's. Go: RegexError. */
function mustMatch(message: string, examples: readonly string[], pattern: string): string {
  const quoted = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${quoted}regex used for validation is '${pattern}')`;
}
