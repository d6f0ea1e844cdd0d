/**
 * The registry host that a container runtime would pull an image from.
 *
 * The first segment is a host only when it holds a "." or ":", is "localhost" or has upper-case letters; anything else
 * comes from the default registry. So `registry.example.com.evil.io/x` is another host, and `x` is Docker Hub.
 * Source: github.com/distribution/reference v0.6.0, normalize.go, splitDockerDomain.
 */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  if (slash === -1) return 'docker.io';
  const first = image.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (!isHost) return 'docker.io';
  return first === 'index.docker.io' ? 'docker.io' : first;
}
