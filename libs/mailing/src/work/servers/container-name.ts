/** Docker: the start of the container's id. Kubernetes: a pod of a Deployment, whose last two parts are random. */
const GIVEN_ANEW = [
  /^[0-9a-f]{12}$/,
  /-[bcdfghjklmnpqrstvwxz2456789]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$/,
];

/** Whether a name is one that a container gets at its creation, so that the container that takes its place has another one. */
export function isContainerName(name: string): boolean {
  return GIVEN_ANEW.some((pattern) => pattern.test(name));
}
