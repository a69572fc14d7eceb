// What the server counts of itself.

/// A figure of the server's metrics, labels in the order in which they are written; 0 where it has
/// not told it yet.
export async function figure(server, name) {
  const metrics = await (await fetch(`http://${server.metrics}/metrics`)).text();
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length) ?? 0);
}
