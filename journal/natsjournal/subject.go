package natsjournal

import "strings"

// subjects are the names that one journal uses: the stream's, then its generation,
// so that a node of an older generation reaches nothing of a newer one.
type subjects struct {
	logs      string // prefix of the logs, ends in a dot
	pages     string // prefix of the directory's pages, ends in a dot
	root      string // the directory's root
	barrier   string
	indexes   string // prefix of the lists of snapshots, ends in a dot
	chunks    string // prefix of the snapshots' parts, ends in a dot
	all       string // what the stream takes
	snapshots string // what the stream of snapshots takes
}

// snapshotsOf is the name of the stream of snapshots beside a stream.
func snapshotsOf(stream string) string { return stream + "-snapshots" }

func subjectsOf(stream, generation string) subjects {
	p := stream + "." + generation + "."
	s := snapshotsOf(stream) + "." + generation + "."
	return subjects{
		logs: p + "log.", pages: p + "page.", root: p + "root", barrier: p + "barrier",
		indexes: s + "index.", chunks: s + "chunk.",
		all: p + ">", snapshots: s + ">",
	}
}

// token writes a dashboard's id as one token of a subject: a dot, which parts
// tokens, becomes =, which no id has (D2).
func token(id string) string { return strings.ReplaceAll(id, ".", "=") }

// idOf gives back the id that token has written.
func idOf(token string) string { return strings.ReplaceAll(token, "=", ".") }

func (s *subjects) log(id string) string { return s.logs + token(id) }

// logID gives the dashboard that a subject is the log of.
func (s *subjects) logID(subject string) (id string, ok bool) {
	t, ok := strings.CutPrefix(subject, s.logs)
	return idOf(t), ok && t != "" && !strings.Contains(t, ".")
}
