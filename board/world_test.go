package board

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func valueOf(t tester, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// world is a dashboard in a test: its state, its log and a clock. Every entry goes
// through the codec and is folded by a second node, which must come to the same bytes
// (D6).
type world struct {
	t      tester
	state  *State
	now    time.Time
	env    Env
	log    []*Entry
	states []*State // before each entry, and the newest
	ops    int
}

func newWorld(t tester) *world {
	w := &world{t: t, state: NewState("ops"), now: time.UnixMilli(1_800_000_000_000)}
	w.states = []*State{w.state}
	return w
}

// decide decides an op and commits it if it becomes an entry.
func (w *world) decide(op *Op) Decision {
	w.t.Helper()
	env := w.env
	env.Now = w.now
	env.NewEpoch = "epoch" + strconv.FormatUint(w.state.Position(), 10)
	d := w.consider(op, env)
	w.check(d)
	if d.Entry == nil {
		return d
	}
	record := EncodeRecord(d.Entry)
	e, err := ParseRecord(record.Data)
	if err != nil {
		w.t.Fatalf("parsing %s: %v", record.Data, err)
	}
	if again := EncodeRecord(e); string(again.Data) != string(record.Data) {
		w.t.Fatalf("record\n%s\nencoded again is\n%s", record.Data, again.Data)
	}
	if got := EnvelopeOf(record.Data); string(got) != string(record.Envelope) {
		w.t.Fatalf("EnvelopeOf = %s, want %s", got, record.Envelope)
	}
	folded, err := w.state.Fold(e)
	if err != nil {
		w.t.Fatal(err)
	}
	snapshot := folded.AppendSnapshot(nil)
	if live := d.Next.AppendSnapshot(nil); string(live) != string(snapshot) {
		w.t.Fatalf("D6: live state\n%s\nfolded state\n%s", live, snapshot)
	}
	parsed, err := ParseSnapshot(snapshot)
	if err != nil {
		w.t.Fatalf("parsing %s: %v", snapshot, err)
	}
	if again := parsed.AppendSnapshot(nil); string(again) != string(snapshot) {
		w.t.Fatalf("D6: snapshot\n%s\nparsed and written again\n%s", snapshot, again)
	}
	doc := parsed.AppendDocument(nil)
	if len(doc) != folded.Size() || len(doc) != parsed.Size() {
		w.t.Fatalf("D5: Size() = %d and %d, the document has %d bytes", folded.Size(), parsed.Size(), len(doc))
	}
	if e.Type != TypeDashboardDelete && e.Version > 1 && !w.state.Deleted() {
		applied := AppendDocument(nil, e.Change.ApplyTo(w.state.Document()))
		if string(applied) != string(doc) {
			w.t.Fatalf("E7: the change %s applied gives\n%s\nthe document is\n%s", AppendChange(nil, e.Change), applied, doc)
		}
	}
	w.state = parsed // a node that has just opened the dashboard goes on
	w.log = append(w.log, e)
	w.states = append(w.states, w.state)
	return d
}

// consider decides an op, whatever that has to look back to.
func (w *world) consider(op *Op, env Env) Decision {
	d := w.state.Decide(op, env)
	for tries := 0; d.Need != nil && tries < 2; tries++ { // the first may be for the op itself
		d = w.state.Decide(w.withHistory(op, d.Need), env)
	}
	return d
}

// check holds a decision against its contract: exactly one outcome.
func (w *world) check(d Decision) {
	w.t.Helper()
	n := 0
	for _, set := range []bool{d.Entry != nil, d.Entry == nil && d.Ack != nil, d.Replay > 0, d.Conflict != nil, d.Refusal != nil, d.Need != nil} {
		if set {
			n++
		}
	}
	if n != 1 || (d.Entry != nil) != (d.Next != nil) || d.Entry != nil && d.Ack == nil {
		w.t.Fatalf("a decision with %d outcomes: %+v", n, d)
	}
}

// withHistory reads what an op needs from the log, as a room does.
func (w *world) withHistory(op *Op, need *Need) *Op {
	at := func(version uint64) *State {
		for _, s := range w.states {
			if s.Epoch() == w.state.Epoch() && s.Version() == version {
				return s
			}
		}
		w.t.Fatalf("the op needs version %d", version)
		return nil
	}
	h := &History{Epoch: w.state.Epoch(), Version: need.Layouts, Committed: make(map[uint64]*Entry)}
	for _, e := range w.log {
		if e.Epoch == h.Epoch && slices.Contains(need.Committed, e.Version) {
			h.Committed[e.Version] = e
		}
	}
	if need.Layouts > 0 {
		h.Layouts = at(need.Layouts).Document().Layouts
	}
	for id, version := range need.Deleted {
		if h.Deleted == nil {
			h.Deleted = make(map[string]DeletedWidget)
		}
		s := at(version - 1)
		was := DeletedWidget{Version: version, Places: make(map[string]Rect)}
		was.Value, _ = s.Widget(id)
		for name, l := range s.Layouts() {
			if r, ok := l.Items[id]; ok {
				was.Places[name] = r
			}
		}
		h.Deleted[id] = was
	}
	c := *op
	c.History = h
	return &c
}

// do decides an op that is written as on the wire, with "by" (user or user/client),
// and may have "wait" (milliseconds before it).
func (w *world) do(text string) string {
	w.t.Helper()
	return w.answer(w.decide(w.parse(text)))
}

// want is do with the answer that must come.
func (w *world) want(answer, text string) {
	w.t.Helper()
	if got := w.do(text); got != answer {
		w.t.Errorf("%s\n got %s\nwant %s", text, got, answer)
	}
}

func (w *world) wantDoc(path, want string) {
	w.t.Helper()
	got, _ := valueOf(w.t, string(w.state.AppendDocument(nil))).Get(Pointer(path))
	wanted := Value("")
	if want != "" {
		wanted = valueOf(w.t, want)
	}
	if got != wanted {
		w.t.Errorf("document at %q\n got %s\nwant %s", path, got, wanted)
	}
}

// answer writes a decision on one line.
func (w *world) answer(d Decision) string {
	switch {
	case d.Refusal != nil:
		s := "refused " + string(d.Refusal.Code)
		if d.Refusal.Path != "" {
			s += " " + d.Refusal.Path
		}
		if d.Refusal.Current != "" {
			s += " current " + string(d.Refusal.Current)
		}
		return s + resultsText(d.Refusal.Results)
	case d.Conflict != nil:
		return conflictText(d.Conflict)
	case d.Replay > 0:
		return fmt.Sprintf("replay %d", d.Replay)
	case d.Need != nil:
		return "need"
	}
	s := fmt.Sprintf("%s %d", d.Ack.Status, d.Ack.Version)
	for _, o := range d.Ack.Overwrote {
		s += fmt.Sprintf(" overwrote %s%s=%s(%s %d)", o.WidgetID, o.Path, o.Value, o.Author.UserID, o.Version)
		if o.Omitted {
			s += " omitted"
		}
	}
	r := d.Ack.Report
	if r == nil {
		return s
	}
	for _, p := range r.Skipped {
		s += " skipped " + p
	}
	for _, id := range r.Ignored {
		s += " ignored " + id
	}
	return s + resultsText(r.Results)
}

func conflictText(c *Conflict) string {
	s := fmt.Sprintf("conflict %s %s@%d", c.Kind, c.WidgetID, c.Version)
	for _, f := range c.Fields {
		s += fmt.Sprintf(" [%s mine=%s theirs=%s(%s %d)]", f.Path, f.Mine, f.Theirs, f.TheirsBy.UserID, f.TheirsVersion)
	}
	return s
}

func resultsText(results []Result) string {
	if results == nil {
		return ""
	}
	var parts []string
	for _, r := range results {
		s := r.Status
		if r.Code != "" {
			s += ":" + string(r.Code)
		}
		parts = append(parts, s)
	}
	return " results " + strings.Join(parts, ",")
}

// wireOp is an op in tests and vectors: the payload of the wire and what stands around
// it.
type wireOp struct {
	Type       Type                       `json:"type"`
	ID         string                     `json:"id"`
	By         string                     `json:"by"`
	Wait       int                        `json:"wait"`
	Age        int                        `json:"age"`
	Hash       int                        `json:"hash"`
	Base       *uint64                    `json:"baseVersion"`
	Epoch      *string                    `json:"epoch"`
	Policy     Policy                     `json:"policy"`
	Prev       map[string]json.RawMessage `json:"prev"`
	WidgetID   string                     `json:"widgetId"`
	Set        map[string]json.RawMessage `json:"set"`
	Unset      []string                   `json:"unset"`
	Changes    json.RawMessage            `json:"changes"`
	Value      json.RawMessage            `json:"value"`
	Layout     json.RawMessage            `json:"layout"`
	Create     bool                       `json:"create"`
	Restore    bool                       `json:"restore"`
	Operations []json.RawMessage          `json:"operations"`
	Atomic     *bool                      `json:"atomic"`
	Breakpoint string                     `json:"breakpoint"`
	Moved      map[string]json.RawMessage `json:"moved"`
	Columns    *int                       `json:"columns"`
	Compact    Compact                    `json:"compact"`
	ToVersion  uint64                     `json:"toVersion"`
	Document   json.RawMessage            `json:"document"`
	Undelete   bool                       `json:"undelete"`
	IfMatch    bool                       `json:"ifMatch"`
	ConflictID string                     `json:"conflictId"`
	Choice     string                     `json:"choice"`
}

func (w *world) parse(text string) *Op {
	w.t.Helper()
	op, wait := parseOp(w.t, text)
	w.now = w.now.Add(wait)
	w.ops++
	if op.ID == "" {
		op.ID = "op" + strconv.Itoa(w.ops)
	}
	return op
}

func parseOp(t tester, text string) (*Op, time.Duration) {
	t.Helper()
	var in wireOp
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	op := &Op{
		Type: in.Type, ID: in.ID, DashboardID: "ops", Base: in.Base, Epoch: in.Epoch, Policy: in.Policy,
		Age: time.Duration(in.Age) * time.Millisecond, WidgetID: in.WidgetID, Create: in.Create, Restore: in.Restore,
		Atomic: in.Atomic == nil || *in.Atomic, Breakpoint: in.Breakpoint, Columns: in.Columns, Compact: in.Compact,
		ToVersion: in.ToVersion, Undelete: in.Undelete, IfMatch: in.IfMatch, ConflictID: in.ConflictID, Choice: in.Choice,
	}
	op.Hash[0] = byte(in.Hash)
	if in.By != "" {
		user, client, ok := strings.Cut(in.By, "/")
		if !ok {
			client = user + "-tab"
		}
		op.Author = Author{UserID: user, ClientID: client}
	}
	for _, p := range slices.Sorted(maps.Keys(in.Set)) {
		op.Set = append(op.Set, Assignment{Path: Pointer(p), Value: valueOf(t, string(in.Set[p]))})
	}
	for _, p := range slices.Sorted(slices.Values(in.Unset)) {
		op.Unset = append(op.Unset, Pointer(p))
	}
	for p, v := range in.Prev {
		if op.Prev == nil {
			op.Prev = make(map[Pointer]Value)
		}
		op.Prev[Pointer(p)] = valueOf(t, string(v))
	}
	if in.Changes != nil {
		op.Changes = valueOf(t, string(in.Changes))
	}
	if in.Value != nil {
		op.Value = valueOf(t, string(in.Value))
	}
	rect := func(text json.RawMessage) RectPatch {
		p, err := ParseRectPatch(valueOf(t, string(text)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if in.Layout != nil {
		p := rect(in.Layout)
		op.Layout = &p
	}
	for id, text := range in.Moved {
		if op.Moved == nil {
			op.Moved = make(map[string]RectPatch)
		}
		op.Moved[id] = rect(text)
	}
	for _, text := range in.Operations {
		part, _ := parseOp(t, string(text))
		op.Operations = append(op.Operations, part)
	}
	if in.Document != nil {
		doc, err := ParseDocument(valueOf(t, string(in.Document)))
		if err != nil {
			t.Fatal(err)
		}
		op.Document = doc
	}
	return op, time.Duration(in.Wait) * time.Millisecond
}

// widget makes a widget by ana, as version 1 of a new world mostly.
func (w *world) widget(id, text string) {
	w.t.Helper()
	d := w.decide(w.parse(fmt.Sprintf(`{"type":"WIDGET_UPDATE","by":"ana","widgetId":%q,"create":true,"value":%s}`, id, text)))
	if d.Entry == nil {
		w.t.Fatalf("making %s: %s", id, w.answer(d))
	}
}
