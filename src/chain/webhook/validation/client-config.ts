import { dns1123SubdomainProblems } from '../../../api/names.ts';
import type { ServiceReference, WebhookClientConfig } from '../../../api/webhook-configuration.ts';
import { parseUrl } from '../url.ts';
import { invalid, required, type FieldError } from './field-error.ts';

/** `caBundle` is not looked at: a wrong one fails when the webhook is called. */
export function validateClientConfig({ url, service }: WebhookClientConfig, field: string): FieldError[] {
  if (url !== undefined && service === undefined) return validateUrl(url, `${field}.url`);
  if (url === undefined && service !== undefined) return validateService(service, `${field}.service`);
  return [required(field, 'exactly one of url or service is required')];
}

/** Source: k8s.io/apiserver v0.37.2 pkg/util/webhook/validation.go, ValidateWebhookURL. */
function validateUrl(url: string, field: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const parsed = parseUrl(url);
  if ('problem' in parsed) return [required(field, `url must be a valid URL: ${parsed.problem}${form}`)];
  const errors: FieldError[] = [];
  if (parsed.scheme !== 'https')
    errors.push(invalid(field, parsed.scheme, `'https' is the only allowed URL scheme${form}`));
  if (parsed.host === '') errors.push(invalid(field, parsed.host, `host must be specified${form}`));
  if (parsed.user !== undefined)
    errors.push(invalid(field, parsed.user, 'user information is not permitted in the URL'));
  if (parsed.fragment !== '') errors.push(invalid(field, parsed.fragment, 'fragments are not permitted in the URL'));
  if (parsed.query !== '') errors.push(invalid(field, parsed.query, 'query parameters are not permitted in the URL'));
  return errors;
}

/** Source: as above, ValidateWebhookService. */
function validateService({ name, namespace, path, port = 443 }: ServiceReference, field: string): FieldError[] {
  const errors: FieldError[] = [];
  // The API server hands the two over the wrong way round, and complains of the one that is there.
  if (namespace === '') errors.push(required(`${field}.name`));
  if (name === '') errors.push(required(`${field}.namespace`));
  if (port < 1 || port > 65_535) {
    errors.push(invalid(`${field}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'));
  }
  return path === undefined ? errors : [...errors, ...validatePath(path, `${field}.path`)];
}

function validatePath(path: string, field: string): FieldError[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return [invalid(field, path, 'segment[0] may not be empty')];
  const errors = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")];
  // The first character is taken off whatever it is.
  const segments = path.slice(1).replace(/\/$/, '').split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '') errors.push(invalid(field, path, `segment[${index}] may not be empty`));
    else
      errors.push(
        ...dns1123SubdomainProblems(segment).map((problem) => invalid(field, path, `segment[${index}]: ${problem}`)),
      );
  }
  return errors;
}
