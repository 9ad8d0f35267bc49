package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// behaviour is one thing that people want of a bot's merge requests, with what pins it: tests, each as
// its package's folder and its name, and sentences of the README's section about
// what tokenward deliberately does not do.
type behaviour struct {
	name   string
	tests  []string
	readme []string
}

// behaviours are identity, branches and history; the request's life; its content; control and
// limits; transport, safety and the states of projects.
var behaviours = [][]behaviour{{
	{"the branch's name follows from the namespace alone", []string{"bot TestBranchNamespace", "cmd/tokenward TestLifecycle"}, nil},
	{"a foreign branch is never touched", []string{"bot TestDecide", "cmd/tokenward TestPeopleInTheWay"}, nil},
	{"a branch of another umbrella is left to it", []string{"cmd/tokenward TestTwoUmbrellasOfOnePackage", "cmd/tokenward TestTwoUmbrellasOfOneProject"}, []string{"tell two umbrellas of one project apart"}},
	{"no duplicates after a restart, without a database", []string{"cmd/tokenward TestProposeTwice", "cmd/tokenward TestAnotherUserGoesOn", "cmd/tokenward TestCrashEverywhere"}, nil},
	{"people's commits are seen and kept", []string{"cmd/tokenward TestPeopleInTheWay", "bot TestDecide", "bot TestDigestIgnoresTheContext"}, nil},
	{"a pure rebase by a person does not end its care", []string{"cmd/tokenward TestRebaseByAPersonLeavesTheBranchOurs"}, nil},
	{"every push has a lease on what was seen", []string{"gitops/git TestPushLease", "gitops/git TestConcurrentPushesOneWins", "gitops/git TestPushWhoseAnswerIsLost"}, nil},
	{"no needless push", []string{"cmd/tokenward TestProposeTwice", "gitops/git TestCommitWithoutChange", "gitops/git TestCommitIsDeterministic"}, nil},
	{"a request that is merely behind is left alone", []string{"cmd/tokenward TestLifecycle"}, []string{"rebase a request that is merely behind"}},
	{"how it rebases", []string{"cmd/tokenward TestRebaseByCommand"}, []string{"let GitLab rebase", "write notes that nobody asked for"}},
	{"conflicts", []string{"bot TestDecide", "cmd/tokenward TestDecisionsOfTwoUnits", "cmd/tokenward TestPeopleInTheWay"}, []string{"write notes that nobody asked for"}},
	{"a branch that GitLab has not noticed yet", []string{"gitops/forge TestCreateWaitsForTheBranchLongEnough", "gitops/forge TestCreateIsNeverSentTwiceBlindly", "bot TestDecide"}, nil},
	{"the commit's author is the token's user", []string{"gitops/forge TestCurrentUser", "gitops/git TestCommitAndPush", "gitops/git TestPushRejectedKeepsTheServersWords"}, nil},
	{"signed commits", []string{"gitops/git TestCommitsSignedWithSSH", "gitops/git TestCommitsSignedWithOpenPGP", "gitops/git TestCommitNeedsTheSignature"}, nil},
	{"titles by a commit convention", nil, []string{"follow a commit convention in titles"}},
}, {
	{"closed unmerged means no, until the content differs", []string{"bot TestDecide", "cmd/tokenward TestLifecycle", "cmd/tokenward TestProposeAfterPeople", "cmd/tokenward TestPeopleDecideOnRemovals"}, nil},
	{"the other half of a declined pair becomes a draft", []string{"cmd/tokenward TestLifecycle", "cmd/tokenward TestRightsOnBothProjects"}, nil},
	{"merged means done", []string{"cmd/tokenward TestLifecycle", "cmd/tokenward TestStaleEntriesAreTakenOut", "cmd/tokenward TestIgnoreLeadsToADecision"}, nil},
	{"closed when not needed, after two runs that agree", []string{"cmd/tokenward TestNeedlessRequestsAreClosed", "cmd/tokenward TestNeedlessRequestWithPeoplesCommitsStaysOpen", "cmd/tokenward TestPackageThatLeavesTheUmbrella"},
		[]string{"close requests of a package that has left the umbrella where"}},
	{"the bot's own closed request is opened again", []string{"bot TestDecide", "cmd/tokenward TestNeedlessRequestsAreClosed"}, nil},
	{"the target changed, or the default branch was renamed", []string{"bot TestDecide", "cmd/tokenward TestFoundByPeople", "cmd/tokenward TestPeopleInTheWay"}, nil},
	{"people's words in the description stay", []string{"bot TestReplaceOursLeavesPeoplesWords", "cmd/tokenward TestPeopleInTheWay"}, []string{"write notes that nobody asked for"}},
	{"people's title stays", []string{"cmd/tokenward TestPeopleInTheWay"}, nil},
	{"a draft where a person must look", []string{"cmd/tokenward TestProposeTwice", "cmd/tokenward TestTokensThatPeopleGaveAreTakenByDrafts", "analysis TestPlanAsksAboutWhatPeopleAllowed", "cmd/tokenward TestTickedBoxLiftsADecline"}, nil},
	{"squash and the source branch after the merge", []string{"bot TestSquashFollowsTheProject", "gitops/forge TestCreateSendsWhatIsAskedFor"}, nil},
	{"auto-merge", []string{"gitops/forge TestMergingAndApprovingAreLeftToPeople"}, []string{"auto-merge, approving, or changing who must approve"}},
	{"approvals", []string{"gitops/forge TestMergingAndApprovingAreLeftToPeople"}, []string{"auto-merge, approving, or changing who must approve"}},
	{"every merge status", []string{"bot TestDecide", "bot TestStatusesOtherThanConflictWait"}, []string{"act on merge statuses other than a conflict"}},
	{"people's labels stay", []string{"cmd/tokenward TestPeopleInTheWay", "gitops/forge TestUpdate"}, nil},
	{"few and right reviewers, and the same in the next run", []string{"gitops/codeowners TestSelectStays", "gitops/forge TestUsersAndBots", "gitops/forge TestReviewersJoinThoseWhoAreThere"}, []string{"ask whether a reviewer is busy"}},
	{"owners by GitLab's rules", []string{"gitops/codeowners TestGolden", "gitops/codeowners TestOwnersOfAllSections", "gitops/codeowners TestFind"}, nil},
	{"onboarding opens nothing", []string{"bot TestHold"}, nil},
}, {
	{"each half names the other", []string{"cmd/tokenward TestProposeTwice", "cmd/tokenward TestCrashEverywhere"}, nil},
	{"the order of merging is kept", []string{"cmd/tokenward TestLifecycle", "gitops/forge TestDependencyAndRules", "cmd/tokenward TestOrderInWordsWithoutDependencies"}, []string{"use drafts for the order of merging"}},
	{"no half pair", []string{"cmd/tokenward TestRefusals", "cmd/tokenward TestCrashEverywhere"}, []string{"use drafts for the order of merging"}},
	{"the umbrella follows the package's new tag", nil, []string{"retarget the umbrella to a package's new tag"}},
	{"one bump of the version, with a changelog entry", []string{"cmd/tokenward TestVersionBump", "cmd/tokenward TestVersionBumpStaysAhead", "gitops/edit TestChangelogEdit"}, nil},
	{"a package's documentation, wherever and however it is written", []string{"cmd/tokenward TestDocumentsOfPackages", "gitops/edit TestSectionEdit", "gitops/edit TestPlace"}, nil},
	{"a description that takes a minute", []string{"templates TestGolden", "templates TestDescriptionIsMarkdown", "cmd/tokenward TestProposeTwice"}, nil},
	{"foreign text does nothing", []string{"templates TestForeignTextByClass", "templates TestForeignTextIsDefused", "templates FuzzText", "cmd/tokenward TestHostileNamespaces"}, nil},
	{"hidden state that can be trusted or lost", []string{"bot FuzzState", "bot FuzzReadState", "bot TestStateSurvivesTheDescription", "bot TestForeignTextForgesNoState"}, nil},
	{"a description that GitLab takes, whatever its size", []string{"templates TestLongDescriptionKeepsItsState"}, nil},
	{"the same text from the same facts", []string{"cmd/tokenward TestProposeTwice", "cmd/tokenward TestScanIsStable"}, nil},
	{"quiet notes", []string{"cmd/tokenward TestPeopleInTheWay", "cmd/tokenward TestAnswersLeaveNoOpenThread", "gitops/forge TestReplyLooksBeforeItRepeats", "cmd/tokenward TestCommandsSurviveCrashes"}, []string{"write notes that nobody asked for"}},
}, {
	{"a limit of open units", []string{"cmd/tokenward TestLimits", "bot TestHold"}, nil},
	{"a limit within any hour", []string{"bot TestHold"}, []string{"count pushes"}},
	{"a schedule", []string{"bot TestHold", "bot TestWindow", "bot TestWindowOnDaysWithTimeChanges"}, nil},
	{"a dashboard", []string{"cmd/tokenward TestIssuesAreOpenedOnce", "cmd/tokenward TestClosedDashboardPauses", "cmd/tokenward TestLateTickSurvives"}, nil},
	{"boxes to tick in merge requests", nil, []string{"show boxes to tick in merge requests"}},
	{"commands by note, with rights, answered once", []string{"cmd/tokenward TestCommandsWithoutRights", "cmd/tokenward TestRightsOnBothProjects", "gitops/forge TestWhoMayGiveCommands", "cmd/tokenward TestCommandsSurviveCrashes"}, nil},
	{"a label that stops it", []string{"cmd/tokenward TestHoldIsForThePair", "cmd/tokenward TestHoldKeepsCommandsOff", "bot TestDecide"}, nil},
	{"webhooks", []string{"bot/webhook TestFromGitLabToTriggers", "bot/webhook TestSignatures", "bot/webhook TestOneEventOfTwoHooks"}, nil},
	{"a dry run that cannot write", []string{"gitops/forge TestReadOnly", "gitops/forge TestDryRunWritesNothingAround", "cmd/tokenward TestProposeDryRunWritesNothing"}, nil},
}, {
	{"rate limits", []string{"gitops/forge TestReadsAreRepeated", "gitops/forge TestWhatIsNotRepeated", "gitops/forge TestCreateIsNeverSentTwiceBlindly"}, nil},
	{"lists are read to the end, or not at all", []string{"gitops/forge TestMergeRequestsReadsAllPages", "gitops/forge TestNoPartOfAListIsReturned", "gitops/forge TestEndlessPages", "gitops/forge TestRedirectToAnotherHostIsRefused"}, nil},
	{"no secret in logs", []string{"cmd/tokenward TestNoSecretIsShown", "bot/redact TestHandlerCleansEverything", "gitops/git TestCredentialNeverPrinted"}, nil},
	{"confidential names in visible projects", nil, []string{"keep from one project what another, less visible one says"}},
	{"missing rights are told before anything is written", []string{"cmd/tokenward TestConfigCheckNamesWhatIsMissing", "cmd/tokenward TestProposeWithoutRightsWritesNothing"}, nil},
	{"a token per project", []string{"cmd/tokenward TestEveryProjectHasItsToken", "cmd/tokenward TestProjectWithoutToken"}, nil},
	{"rotated tokens and another user", []string{"cmd/tokenward TestAnotherUserGoesOn", "gitops/forge TestTokenIsReadForEveryRequest"}, nil},
	{"archived, empty, mirrored and switched-off projects", []string{"cmd/tokenward TestRefusals", "gitops/forge TestProject", "cmd/tokenward TestNoIssuesByDefault"}, nil},
	{"moved projects", []string{"cmd/tokenward TestUmbrellaThatMoves", "gitops/forge TestProjectMoved", "gitops/forge TestMovedProjects", "gitops/forge TestRedirectToAnotherHostIsRefused"}, nil},
	{"forks", nil, []string{"forks: the bot pushes branches to the projects themselves"}},
	{"protected and default branches", []string{"gitops/git TestPushRefusesBeforeSending", "cmd/tokenward TestRefusals"}, nil},
	{"a request that exists already", []string{"gitops/forge TestCreateIsNeverSentTwiceBlindly"}, nil},
}}

// TestBehaviours holds that every row names a test that exists, or a sentence that stands in
// the README.
func TestBehaviours(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(raw), "\n## What it deliberately does not do\n")
	section, _, more := strings.Cut(section, "\n## ")
	if !ok || !more {
		t.Fatal("README.md has no section What it deliberately does not do")
	}
	tests := map[string]map[string]bool{}
	for _, group := range behaviours {
		for _, b := range group {
			if len(b.tests)+len(b.readme) == 0 {
				t.Errorf("%q: nothing pins it", b.name)
			}
			for _, sentence := range b.readme {
				if !strings.Contains(section, "\n- "+sentence) {
					t.Errorf("%q: README.md does not say %q", b.name, sentence)
				}
			}
			for _, test := range b.tests {
				dir, name, _ := strings.Cut(test, " ")
				if tests[dir] == nil {
					tests[dir] = testsIn(t, dir)
				}
				if !tests[dir][name] {
					t.Errorf("%q: there is no test %s in %s", b.name, name, dir)
				}
			}
		}
	}
}

// testsIn lists the test functions of a package by its folder.
func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[f.Name.Name] = true
			}
		}
	}
	return found
}
