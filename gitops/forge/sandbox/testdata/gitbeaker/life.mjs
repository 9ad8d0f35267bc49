// Takes merge requests through their life with @gitbeaker/rest, and prints what
// it saw as one JSON object. Usage: node life.mjs ADDRESS PROJECT
import { Gitlab } from '@gitbeaker/rest';

const [host, project] = process.argv.slice(2);
const as = (token) => new Gitlab({ host, token });
const developer = as('sandbox-developer');
const maintainer = as('sandbox-maintainer');
const saw = {};

/** The status of the answer that a request is refused with. */
async function refused(request) {
  try {
    await request;
    return 0;
  } catch (error) {
    return error.cause?.response?.status ?? String(error);
  }
}

// Who, where, and what is there.
saw.user = (await developer.Users.showCurrentUser()).username;
saw.branch = (await developer.Projects.show(project)).default_branch;
saw.before = (await developer.MergeRequests.all({ projectId: project, state: 'opened' })).length;

// Open, read, list, update.
const mr = await developer.MergeRequests.create(project, 'topic', 'main', 'Harden', {
  description: 'Because.', labels: 'bot,security', removeSourceBranch: true, reviewerIds: [1],
});
saw.opened = [mr.iid, mr.state, mr.author.username, mr.labels, mr.reviewers[0].username, mr.references.full];
saw.again = await refused(developer.MergeRequests.create(project, 'topic', 'main', 'Harden'));
saw.missing = await refused(developer.MergeRequests.show(project, 99));
saw.listed = (await developer.MergeRequests.all({ projectId: project, sourceBranch: 'topic', state: 'opened' })).map((m) => m.iid);
const edited = await developer.MergeRequests.edit(project, mr.iid, { title: 'Harden more', addLabels: 'x', removeLabels: 'bot' });
saw.edited = [edited.title, edited.labels];
saw.closed = (await developer.MergeRequests.edit(project, mr.iid, { stateEvent: 'close' })).state;
saw.reopened = (await developer.MergeRequests.edit(project, mr.iid, { stateEvent: 'reopen' })).state;
saw.files = (await developer.MergeRequests.allDiffs(project, mr.iid)).map((d) => d.new_path);

// Talk: notes on many pages, replies, issues.
for (let n = 0; n < 45; n++) await developer.MergeRequestNotes.create(project, mr.iid, `note ${n}`);
const notes = (await maintainer.MergeRequestNotes.all(project, mr.iid, { sort: 'asc', perPage: 20 })).filter((n) => !n.system);
saw.notes = [notes.length, notes[0].body, notes[44].body];
saw.corrected = (await developer.MergeRequestNotes.edit(project, mr.iid, notes[0].id, { body: 'corrected' })).body;
saw.foreign = await refused(as('sandbox-reporter').MergeRequestNotes.edit(project, mr.iid, notes[1].id, { body: 'mine' }));
const talk = await maintainer.MergeRequestDiscussions.create(project, mr.iid, 'Why?');
await developer.MergeRequestDiscussions.addNote(project, mr.iid, talk.id, 'So.');
saw.talk = (await developer.MergeRequestDiscussions.show(project, mr.iid, talk.id)).notes.map((n) => n.body);
const issue = await developer.Issues.create(project, 'Dashboard', { description: '- [ ] one', labels: 'bot' });
await developer.IssueNotes.create(project, issue.iid, 'Noted.');
saw.issue = [issue.iid, (await developer.Issues.edit(project, issue.iid, { stateEvent: 'close' })).state];

// Rebase onto a target that moved, in the background.
const head = (await developer.MergeRequests.show(project, mr.iid)).sha;
saw.behind = (await developer.MergeRequests.show(project, mr.iid, { includeDivergedCommitsCount: true })).diverged_commits_count;
await developer.MergeRequests.rebase(project, mr.iid);
let now, reads = 0;
do {
  now = await developer.MergeRequests.show(project, mr.iid, { includeRebaseInProgress: true });
  reads++;
} while (now.rebase_in_progress && reads < 20);
saw.rebased = [reads > 1, now.sha !== head, now.merge_error];

// Approve and merge.
saw.early = await refused(maintainer.MergeRequests.merge(project, mr.iid, { sha: now.sha }));
saw.unknown = await refused(maintainer.MergeRequests.merge(project, mr.iid, { mergeWhenPipelineSucceeds: true }));
await maintainer.MergeRequestApprovals.approve(project, mr.iid, { sha: now.sha });
saw.approved = (await developer.MergeRequestApprovals.showConfiguration(project, { mergerequestIId: mr.iid })).approved_by.map((a) => a.user.username);
saw.stale = await refused(maintainer.MergeRequests.merge(project, mr.iid, { sha: head }));
saw.developer = await refused(developer.MergeRequests.merge(project, mr.iid, { sha: now.sha }));
const merged = await maintainer.MergeRequests.merge(project, mr.iid, { sha: now.sha });
saw.merged = [merged.state, merged.merged_by.username];
saw.branchGone = await refused(developer.Branches.show(project, 'topic'));
saw.hooks = (await maintainer.ProjectHooks.all(project)).length;
saw.members = (await developer.ProjectMembers.all(project, { includeInherited: true })).map((m) => m.username).sort();

console.log(JSON.stringify(saw));
