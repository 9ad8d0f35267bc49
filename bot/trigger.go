package bot

// Trigger is why work begins, and on what: one namespace of an umbrella, what changed
// in it, or all of it. Triggers of the same scope are the same work.
type Trigger struct {
	// Umbrella is the umbrella's name in the configuration.
	Umbrella string
	// Namespace is the unit that is meant; "" means the whole umbrella.
	Namespace string
	// Changed narrows a trigger without namespace to the units that look different
	// from what the last complete run saw.
	Changed bool
	// Guess says that nobody knows whether it matters: it wakes no parked unit.
	Guess bool
	// Reason says for people where the trigger came from, as "push to group/project@main".
	Reason string
}
