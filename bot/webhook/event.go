package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// event is the part of GitLab's payloads that means something here, those of
// project, group and system hooks alike. What a payload lacks, or has in another
// form, is zero.
type event struct {
	ObjectKind string `json:"object_kind"`
	EventName  string `json:"event_name"`

	Ref    string `json:"ref"`
	Before string `json:"before"`
	After  string `json:"after"`

	UserID number `json:"user_id"` // of pushes
	User   struct {
		ID number `json:"id"`
	} `json:"user"`

	ProjectID number `json:"project_id"`
	Project   struct {
		ID            number `json:"id"`
		Path          string `json:"path_with_namespace"`
		DefaultBranch string `json:"default_branch"`
	} `json:"project"`
	// Path and OldPath are those of system hooks about a project.
	Path    string `json:"path_with_namespace"`
	OldPath string `json:"old_path_with_namespace"`

	Object struct {
		mergeRequest
		Action       string `json:"action"`
		Description  string `json:"description"`
		Note         string `json:"note"`
		NoteableType string `json:"noteable_type"`
		System       bool   `json:"system"`
	} `json:"object_attributes"`
	// MergeRequest is the one that a note stands on.
	MergeRequest mergeRequest               `json:"merge_request"`
	Changes      map[string]json.RawMessage `json:"changes"`
}

type mergeRequest struct {
	IID             number `json:"iid"`
	SourceBranch    string `json:"source_branch"`
	SourceProjectID number `json:"source_project_id"`
	TargetProjectID number `json:"target_project_id"`
}

// fromFork tells whether the source branch is another project's.
func (m mergeRequest) fromFork() bool { return m.SourceProjectID != m.TargetProjectID }

// number is an id, which may also come as text; anything else is 0.
type number int64

// UnmarshalJSON never fails.
func (n *number) UnmarshalJSON(raw []byte) error {
	v, err := strconv.ParseInt(string(bytes.Trim(raw, `"`)), 10, 64)
	if err != nil || v < 0 {
		v = 0
	}
	*n = number(v)
	return nil
}

// decode reads a payload. Only what is no JSON at all is an error: a field of an
// unexpected type is left out.
func decode(body []byte) (event, error) {
	var e event
	err := json.Unmarshal(body, &e)
	var mistyped *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &mistyped) {
		return event{}, err
	}
	if e.ProjectID == 0 {
		e.ProjectID = e.Project.ID
	}
	if e.Project.Path != "" {
		e.Path = e.Project.Path
	}
	if e.UserID == 0 {
		e.UserID = e.User.ID
	}
	return e, nil
}

// kind is the word by which events are told apart. System hooks name some of theirs
// by event_name alone.
func (e event) kind() string {
	if e.ObjectKind != "" {
		return e.ObjectKind
	}
	return e.EventName
}

// branch returns the branch that a push moved, "" for a tag.
func (e event) branch() string {
	name, _ := strings.CutPrefix(e.Ref, "refs/heads/")
	if name == e.Ref {
		return ""
	}
	return name
}

// deletes tells whether a push took a branch or tag away.
func (e event) deletes() bool { return e.After != "" && strings.Trim(e.After, "0") == "" }
