import { LabelSelectorError, parseLabelSelector, type LabelMatcher } from '../../api/label-selector.ts';
import type { LabelSelector } from '../../api/webhook-configuration.ts';
import type { Status } from '../../api/status.ts';
import { newInternalError } from '../status-error.ts';

/**
 * Whether a selector lets a request pass. `failed` says why that cannot be known; it only counts once the rules match,
 * and then it ends the request whatever the failurePolicy.
 */
export type SelectorMatch =
  { readonly kind: 'matched' } | { readonly kind: 'notMatched' } | { readonly kind: 'failed'; readonly status: Status };

export const matched: SelectorMatch = Object.freeze({ kind: 'matched' });
export const notMatched: SelectorMatch = Object.freeze({ kind: 'notMatched' });

export function failed(status: Status): SelectorMatch {
  return { kind: 'failed', status };
}

/** A selector, read once for many requests; or the 500 that every request gets that has to ask it. */
export type ParsedSelector =
  { readonly kind: 'parsed'; readonly labels: LabelMatcher } | (SelectorMatch & { readonly kind: 'failed' });

/** `selector` as stored objects have it. Absent selects nothing: defaulting comes first. */
export function parseSelector(selector: LabelSelector | undefined): ParsedSelector {
  try {
    return { kind: 'parsed', labels: parseLabelSelector(selector) };
  } catch (error) {
    if (!(error instanceof LabelSelectorError)) throw error;
    return { kind: 'failed', status: newInternalError(error.message) };
  }
}
