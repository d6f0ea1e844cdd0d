/** Bodies of CONNECT requests; OpenAPI leaves them out. Source: k8s.io/api v0.37.2 core/v1/types.go. */
interface ConnectOptions<Kind extends string> {
  apiVersion?: 'v1' | undefined;
  kind?: Kind | undefined;
}

interface StreamOptions {
  stdin?: boolean | undefined;
  stdout?: boolean | undefined;
  stderr?: boolean | undefined;
  tty?: boolean | undefined;
  container?: string | undefined;
}

export interface PodExecOptions extends ConnectOptions<'PodExecOptions'>, StreamOptions {
  command?: string[] | undefined;
}

export interface PodAttachOptions extends ConnectOptions<'PodAttachOptions'>, StreamOptions {}

export interface PodPortForwardOptions extends ConnectOptions<'PodPortForwardOptions'> {
  ports?: number[] | undefined;
}

export interface PodProxyOptions extends ConnectOptions<'PodProxyOptions'> {
  path?: string | undefined;
}

export interface ServiceProxyOptions extends ConnectOptions<'ServiceProxyOptions'> {
  path?: string | undefined;
}

export interface NodeProxyOptions extends ConnectOptions<'NodeProxyOptions'> {
  path?: string | undefined;
}
