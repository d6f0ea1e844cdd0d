import { defineMutator, type KubernetesObject } from 'sallyport';

/** A custom resource: its type is given to `defineMutator`, and fields that this type does not know survive. */
interface Widget extends KubernetesObject {
  spec?: { size?: string; replicas?: number };
}

/** Default values for what a Widget leaves open. */
export const widgetDefaults = defineMutator<Widget>({
  name: 'widget-defaults.example.com',
  resource: 'widgets.example.com/v1',
  operations: ['CREATE', 'UPDATE'],
  handler({ object: widget }) {
    widget.spec = { size: 'small', replicas: 3, ...widget.spec };
  },
});
