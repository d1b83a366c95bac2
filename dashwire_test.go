package dashwire_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/journal"
	"github.com/dashwire/dashwire/journal/memjournal"
	"github.com/dashwire/dashwire/journal/sqlitejournal"
	"github.com/dashwire/dashwire/observe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server behind a real listener until the test ends.
func serve(t *testing.T, cfg dashwire.Config) (*dashwire.Server, *httptest.Server) {
	t.Helper()
	if cfg.Journal == nil {
		cfg.Journal = memjournal.New(memjournal.Options{})
	}
	cfg.Drain = -1
	srv, err := dashwire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx) }()
	web := httptest.NewServer(srv)
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		web.Close()
	})
	return srv, web
}

const createCPU = `{"type":"WIDGET_UPDATE","id":"op-1","payload":{"dashboardId":"ops","widgetId":"cpu","create":true,"set":{"/title":"CPU"}}}`

func TestNew_SaysEverythingThatIsWrong(t *testing.T) {
	_, err := dashwire.New(dashwire.Config{
		AllowedOrigins: []string{"example.com"}, MaxSessions: -1, ReconnectMin: 2, ReconnectMax: 1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Config.Journal", `"example.com" is no origin`, "MaxSessions is -1", "ReconnectMin"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

func TestRun_OnlyOnce(t *testing.T) {
	srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Drain: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Run(ctx); err != nil {
		t.Errorf("the first time: %v", err)
	}
	if err := srv.Run(ctx); err == nil {
		t.Error("the second time: no error")
	}
}

func TestSubmit_AppliesOnceAndIsOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "boards.db")
	j, err := sqlitejournal.Open(path, sqlitejournal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	srv, _ := serve(t, dashwire.Config{Journal: j})
	for range 2 { // M8: the second time the same answer
		a, err := srv.Submit(t.Context(), dashwire.App("deploy"), []byte(createCPU))
		if err != nil {
			t.Fatal(err)
		}
		if a.Ack == nil || a.Ack.Version != 1 || a.Ack.Status != board.StatusApplied || a.Durability != string(journal.Disk) {
			t.Errorf("got %+v", a)
		}
	}
	doc, version, err := srv.Document(t.Context(), "ops")
	if err != nil || version != 1 || doc.Widgets["cpu"] != `{"title":"CPU"}` {
		t.Errorf("got version %d, %v, %v", version, doc, err)
	}
}

func TestSubmit_RefusesWithACode(t *testing.T) {
	srv, _ := serve(t, dashwire.Config{})
	viewer := auth.Principal{UserID: "eve", Grants: []auth.Grant{{Pattern: "ops", Role: auth.Viewer}}}
	cases := []struct {
		name    string
		as      auth.Principal
		message string
		want    board.Code
	}{
		{"E4 no JSON", dashwire.App("a"), `{`, board.CodeBadMessage},
		{"E4 no operation", dashwire.App("a"), `{"type":"PING","id":"1"}`, board.CodeUnknownType},
		{"D2 id", dashwire.App("a"), `{"type":"WIDGET_DELETE","id":"1","payload":{"dashboardId":"a b","widgetId":"x"}}`, board.CodeInvalidID},
		{"P1 role too low", viewer, createCPU, board.CodeForbidden},
		{"R6 not to be seen", viewer, strings.Replace(createCPU, `"ops"`, `"other"`, 1), board.CodeNotFound},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := srv.Submit(t.Context(), c.as, []byte(c.message))
			var refusal *board.Error
			if !errors.As(err, &refusal) || refusal.Code != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestW1_FeedNamesWhatItLeavesOut and sends the rest, in a form that viewers can read.
func TestW1_FeedNamesWhatItLeavesOut(t *testing.T) {
	srv, _ := serve(t, dashwire.Config{})
	app := dashwire.App("probe")
	if _, err := srv.Submit(t.Context(), app, []byte(createCPU)); err != nil {
		t.Fatal(err)
	}
	err := srv.Feed(t.Context(), app, "ops",
		dashwire.Value{WidgetID: "gone", Data: "1"},
		dashwire.Value{WidgetID: "nan", Data: "[NaN]", Append: true},
		dashwire.Value{WidgetID: "point", Data: "1", Append: true},
		dashwire.Value{WidgetID: "window", Data: "[]", Window: -1},
		dashwire.Value{WidgetID: "cpu", Data: "[ 7 ]", Append: true},
		dashwire.Value{WidgetID: "lost", Data: "2"})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 5 {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"gone", "nan", "point", "window", "lost"} {
		if !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	answer := httptest.NewRecorder()
	srv.ServeHTTP(answer, httptest.NewRequest("POST", "http://localhost/api/realtime", strings.NewReader(`{"type":"SYNC","since":{"ops":{"epoch":"","version":0}}}`)))
	if !strings.Contains(answer.Body.String(), `"data":{"cpu":{"data":[7],"mode":"replace"`) {
		t.Errorf("viewers read %s", answer.Body)
	}
	if err := srv.Feed(t.Context(), app, "ops", dashwire.Value{WidgetID: "cpu", Data: "8"}); err != nil {
		t.Errorf("the good one alone: %v", err)
	}
	eve := auth.Principal{UserID: "eve", Grants: []auth.Grant{{Pattern: "ops", Role: auth.Viewer}}}
	var refusal *board.Error
	if err := srv.Feed(t.Context(), eve, "ops", dashwire.Value{WidgetID: "cpu", Data: "9"}); !errors.As(err, &refusal) || refusal.Code != board.CodeForbidden {
		t.Errorf("a viewer: %v", err)
	}
}

func TestP5_TheAppMayRefuse(t *testing.T) {
	var saw dashwire.Validation
	srv, _ := serve(t, dashwire.Config{Validate: func(v dashwire.Validation) error {
		saw = v
		return errors.New("no titles on Sundays")
	}})
	_, err := srv.Submit(t.Context(), dashwire.App("deploy"), []byte(createCPU))
	var refusal *board.Error
	if !errors.As(err, &refusal) || refusal.Code != board.CodeInvalid || !strings.Contains(refusal.Message, "Sundays") {
		t.Fatalf("got %v", err)
	}
	if saw.Change.Widget("cpu") == nil || saw.Before.Version() != 0 || saw.Principal.UserID != "deploy" || saw.Role != auth.Owner {
		t.Errorf("the hook saw %+v", saw)
	}
	if _, version, _ := srv.Document(t.Context(), "ops"); version != 0 {
		t.Errorf("version %d was committed all the same", version)
	}
}

func TestPut_IsOneEntry(t *testing.T) {
	var entries []*board.Entry
	srv, _ := serve(t, dashwire.Config{Hooks: observe.Hooks{Commit: func(e *board.Entry) { entries = append(entries, e) }}})
	doc := &board.Document{
		Settings: `{"title":"Ops"}`,
		Widgets:  map[string]board.Value{"a": `{"title":"A"}`, "b": `{"title":"B"}`},
		Layouts: map[string]*board.Layout{"main": {
			Columns: 24, Compact: board.CompactVertical,
			Items: map[string]board.Rect{"a": {W: 6, H: 4}, "b": {X: 6, W: 6, H: 4}},
		}},
	}
	a, err := srv.Put(t.Context(), dashwire.App("setup"), "ops", "setup-1", doc)
	if err != nil || a.Ack.Version != 1 {
		t.Fatalf("got %+v, %v", a, err)
	}
	if _, err := srv.Put(t.Context(), dashwire.App("setup"), "ops", "setup-1", doc); err != nil {
		t.Errorf("M8: again: %v", err)
	}
	got, version, err := srv.Document(t.Context(), "ops")
	if err != nil || version != 1 || len(got.Widgets) != 2 || got.Layouts["main"].Items["b"].X != 6 {
		t.Errorf("got version %d, %+v, %v", version, got, err)
	}
	if len(entries) != 1 || entries[0].Type != board.TypeBatch {
		t.Errorf("%d entries were committed", len(entries))
	}
	if _, err := srv.Put(t.Context(), dashwire.App("setup"), "bad id", "x", doc); err == nil {
		t.Error("D2: a bad id was taken")
	}
}

func TestH4_ReadyWhileRunning(t *testing.T) {
	_, web := serve(t, dashwire.Config{})
	untilReady(t, web.URL)
}

// untilReady asks until the server says that it is ready: on a machine that is busy with
// other things it may say first that it is not.
func untilReady(t *testing.T, url string) {
	t.Helper()
	for {
		res, err := http.Get(url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return
		}
	}
}

// TestH4_ReadyOnceItRuns: a probe that comes before the server runs waits for it, but not
// for ever.
func TestH4_ReadyOnceItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := dashwire.New(dashwire.Config{Journal: memjournal.New(memjournal.Options{}), Insecure: true, Drain: -1})
		if err != nil {
			t.Fatal(err)
		}
		status := make(chan int, 1)
		probe := func() {
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/readyz", nil))
			status <- w.Code
		}
		go probe()
		if got := <-status; got != http.StatusServiceUnavailable {
			t.Errorf("not running: %d", got)
		}
		go probe()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- srv.Run(ctx) }()
		if got := <-status; got != http.StatusOK {
			t.Errorf("running meanwhile: %d", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
