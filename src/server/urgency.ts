/**
 * Whether the control plane itself hangs on this request: leases, nodes, the namespaces `kube-system` and
 * `kube-node-lease`, and whatever a kubelet asks. Such requests go first when others must wait.
 *
 * Reads the text of a review without parsing it, since it is asked only under load, about requests that may be turned away.
 * Only what stands before the object is looked at: the API server writes the fields in the order of the Go struct, `object`
 * after all of these. Text inside a JSON string cannot pose as a field, because its quotation marks are escaped.
 * A caller that orders fields otherwise merely gets no priority.
 *
 * Source: api v0.37.2 admission/v1/types.go AdmissionRequest; apiserver v0.37.2 `pkg/apis/flowcontrol/bootstrap/default.go`,
 * whose levels `system`, `node-high` and `leader-election` name the same requests.
 */
export function isControlPlaneRequest(reviewText: string): boolean {
  const objectStart = reviewText.indexOf('"object":');
  const facts = reviewText.slice(0, objectStart === -1 ? longestFacts : Math.min(objectStart, longestFacts));
  return urgentPattern.test(facts);
}

/** A user with many groups has a few kilobytes of facts. */
const longestFacts = 16_384;

const urgentPattern =
  /"group":"coordination\.k8s\.io"|"resource":"nodes"|"namespace":"kube-(?:system|node-lease)"|"groups":\[[^\]]*"system:nodes"/;
