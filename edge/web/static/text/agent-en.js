// What reaches the agent from its operating system, in words for people. {} stands for a part that stays.
/** @type {[string, string][]} */
export default [
	["{}: dial tcp {}: connect: connection refused", "The machine at {1} answers, but nothing listens on that port."],
	["{}: dial tcp {}: i/o timeout", "Nothing answers at {1}: power, cable, address?"],
	["{}: dial tcp {}: connect: no route to host", "There is no way to {1}: power, cable, address?"],
	["{}: dial tcp {}: connect: network is unreachable", "There is no way to {1}: is the network cable plugged in?"],
	["{}: dial tcp: lookup {}: no such host", "The name {1} has no address."],
	["dial tcp {}: connect: connection refused", "The machine at {0} answers, but nothing listens on that port."],
	["dial tcp {}: i/o timeout", "Nothing answers at {0}: power, cable, address?"],
	["dial tcp {}: connect: no route to host", "There is no way to {0}: power, cable, address?"],
	["listen tcp {}: bind: address already in use", "Another program holds {0}."],
	["{}: listen tcp {}: bind: address already in use", "Another program holds {1}."],
];
