package webhook

// Work is one line of the table of what an event leads to.
type Work struct{ Event, Leads string }

// kind is a sort of event, by GitLab's word for it.
type kind struct {
	name  string
	works []Work
	read  func(*reading) // nil where it never means work
}

// kinds are all events that are known, in the order of the table.
var kinds = []kind{
	{"push", []Work{
		{"push to the umbrella's branch", "what changed"},
		{"push to a package's default branch, or to the branch that the umbrella follows", "the package's namespaces"},
		{"push of somebody else to a source branch of tokenward", "its namespace"},
		{"any event that names a new default branch", "all, or the package's namespaces"},
		{"any of these events of an unknown project, until an umbrella's first run has ended", "all"},
	}, (*reading).push},
	{"tag_push", []Work{{"new or moved tag of a package", "the package's namespaces"}}, (*reading).tag},
	{"merge_request", []Work{{"merge request from a source branch of tokenward: merged, closed, reopened, approved, changed", "its namespace"}}, (*reading).mergeRequest},
	{"note", []Work{{"note with a command on such a merge request", "its namespace"}}, (*reading).note},
	{"issue", []Work{
		{"tracking issue closed, reopened or rewritten", "its namespace"},
		{"dashboard closed, reopened or rewritten (a box ticked)", "all"},
	}, (*reading).issue},
	{"project_rename", []Work{{"system hook: project renamed or transferred", "all"}}, (*reading).moved},
	{"project_transfer", nil, (*reading).moved},
	{"repository_update", nil, nil}, // comes beside every push
}

// Works is the table of events and the work that they lead to; every other event
// leads to none.
func Works() []Work {
	var all []Work
	for _, k := range kinds {
		all = append(all, k.works...)
	}
	return all
}
