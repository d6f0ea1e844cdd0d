/** Where plug-ins put the texts the client gets as `Warning: 299` headers. */
export interface Warnings {
  add(text: string): void;
}
