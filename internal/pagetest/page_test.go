//go:build browser

package pagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/board"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if b, err := browser(); err == nil {
		if err := b.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "the browser:", err)
		}
	}
	os.Exit(code)
}

// converge waits until windows show what the server has.
func converge(t *testing.T, n *node, id string, windows ...*person) {
	t.Helper()
	doc, version := n.document(id)
	for _, p := range windows {
		p.wait(fmt.Sprintf("Number(document.querySelector('#grid').dataset.version) >= %d", version))
		p.status("Saved")
		for widget, r := range doc.Layouts["main"].Items {
			p.stands(widget, r)
		}
		for widget, value := range doc.Widgets {
			title, _ := value.Get("/title")
			p.wait(fmt.Sprintf("%s.value === %s", tile(widget, ".title"), title))
		}
	}
}

func TestTwoWindowsConverge(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana, bo := open(t, "Ana", n.addr, "three"), open(t, "Bo", n.addr, "three")

	// Ana moves the chart to the right, over the others: they make room.
	column := ana.at(tile("cpu", ""))[2] / 12
	ana.drag(tile("cpu", "header"), 12*column, 0)
	moved := board.Rect{X: 12, Y: 0, W: 12, H: 8}
	ana.stands("cpu", moved)
	bo.stands("cpu", moved)
	converge(t, n, "three", ana, bo)

	// Bo makes the note smaller.
	before, _ := n.document("three")
	was := before.Layouts["main"].Items["note"]
	bo.drag(tile("note", ".corner"), -2*column, -64)
	bo.stands("note", board.Rect{X: was.X, Y: was.Y, W: was.W - 2, H: was.H - 2})
	ana.stands("note", board.Rect{X: was.X, Y: was.Y, W: was.W - 2, H: was.H - 2})

	// Both rename, one tile each.
	ana.rename("cpu", "Processors")
	bo.rename("disk", "Space")
	ana.shows("disk", "Space")
	bo.shows("cpu", "Processors")
	converge(t, n, "three", ana, bo)
}

func TestR2_TheSameAfterARestart(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana, bo := open(t, "Ana", n.addr, "three"), open(t, "Bo", n.addr, "three")
	for _, p := range []*person{ana, bo} {
		p.must(p.Eval("window.loadedOnce = true", nil))
	}
	ana.rename("cpu", "Before")
	bo.shows("cpu", "Before")
	converge(t, n, "three", ana, bo)

	n.stop()
	ana.status("Reconnecting…")
	ana.rename("cpu", "Meanwhile")
	ana.drag(tile("disk", "header"), 0, 320)
	ana.status("Offline: 2 changes kept in this tab")
	n.start()

	ana.status("Saved")
	bo.shows("cpu", "Meanwhile")
	converge(t, n, "three", ana, bo)
	if got := n.title("three", "cpu"); got != `"Meanwhile"` {
		t.Errorf("the server has the title %s", got)
	}
	for _, p := range []*person{ana, bo} {
		p.wait("window.loadedOnce")
	}
}

// The answer is lost, not the op: the page sends it again, with the same id.
func TestM8_AnUnansweredEditIsSentOnce(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	bad := newLine(t, n.addr)
	ana, bo := open(t, "Ana", bad.addr(), "three"), open(t, "Bo", n.addr, "three")
	_, before := n.document("three")

	bad.set(false, true)
	ana.rename("cpu", "Once")
	bo.shows("cpu", "Once") // it was committed
	ana.status("Saving…")
	bad.set(true, false)
	ana.status("Offline: 1 change kept in this tab")
	bad.set(false, false)
	ana.status("Saved")

	converge(t, n, "three", ana, bo)
	if _, after := n.document("three"); after != before+1 {
		t.Errorf("the edit was committed %d times", after-before)
	}
}

func TestM10_AConflictEndsTheSameForBoth(t *testing.T) {
	for _, c := range []struct{ name, choice, want string }{
		{"mine", "Keep mine", "Ana's"},
		{"theirs", "Take theirs", "Bo's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t)
			doc := three()
			doc.Settings = `{"conflictPolicy":"ask","title":"Three"}`
			n.put("three", doc)
			ana, bo := open(t, "Ana", n.addr, "three"), open(t, "Bo", n.addr, "three")

			ana.begin("cpu")
			ana.must(ana.Type("Ana's"))
			bo.rename("cpu", "Bo's")
			ana.wait(tile("cpu", "") + ".ariaLabel === \"Bo's\"") // the field keeps what Ana types
			ana.must(ana.Key("Enter", false))

			ana.status("Needs your decision (1)")
			ana.wait(tile("cpu", "button.decide") + ".textContent === '1'")
			ana.shows("cpu", "Bo's")
			ana.click("document.querySelector('#status')", 1)
			ana.wait("[...document.querySelectorAll('#decide q')].map((q) => q.textContent).join() === \"CPU,Ana's,Bo's\"")
			if *screens != "" {
				ana.must(ana.Screenshot(filepath.Join(*screens, "light-conflict.png")))
			}
			ana.click(fmt.Sprintf("[...document.querySelectorAll('#decide button')].find((b) => b.textContent === %q)", c.choice), 1)

			ana.status("Saved")
			ana.shows("cpu", c.want)
			bo.shows("cpu", c.want)
			converge(t, n, "three", ana, bo)
		})
	}
}

func TestEverythingByKeyboard(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana, bo := open(t, "Ana", n.addr, "three"), open(t, "Bo", n.addr, "three")
	ana.must(ana.Eval("document.querySelector('[data-id=note]').focus()", nil))

	ana.must(ana.Key("ArrowLeft", true)) // narrower
	bo.stands("note", board.Rect{X: 18, Y: 0, W: 5, H: 8})
	ana.must(ana.Key("ArrowRight", false))
	bo.stands("note", board.Rect{X: 19, Y: 0, W: 5, H: 8})
	ana.wait("document.querySelector('#said').textContent === 'Note: column 20, row 1, 5 wide, 8 high'")

	ana.must(ana.Key("Enter", false))
	ana.wait("document.activeElement === " + tile("note", ".title"))
	ana.must(ana.Type("Remark"))
	ana.must(ana.Key("Enter", false))
	bo.shows("note", "Remark")

	ana.must(ana.Eval("document.querySelector('[data-id=note]').focus()", nil))
	ana.must(ana.Key("Delete", false))
	bo.wait("!document.querySelector('[data-id=note]')")
	converge(t, n, "three", ana, bo)

	ana.click("document.querySelector('#undo')", 1)
	bo.shows("note", "Remark")
	bo.stands("note", board.Rect{X: 19, Y: 0, W: 5, H: 8})
	converge(t, n, "three", ana, bo)
}

func TestOptionsAndTilesAreShared(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana, bo := open(t, "Ana", n.addr, "three"), open(t, "Bo", n.addr, "three")
	err := n.server.Feed(context.Background(), dashwire.App("test"), "three", dashwire.Value{WidgetID: "disk", Data: `{"value":2048}`})
	if err != nil {
		t.Fatal(err)
	}
	bo.wait(tile("disk", ".number") + ".textContent === '2.0 KiB'")

	ana.click(tile("disk", "button.more"), 1)
	ana.wait("document.querySelector('#options').dataset.id === 'disk'")
	ana.must(ana.Eval("document.querySelector('[name=\"/config/unit\"]').select()", nil))
	bo.wait("document.querySelector('[data-id=disk]').dataset.who === 'Ana'")
	ana.must(ana.Type("short"))
	ana.must(ana.Key("Enter", false))
	bo.wait(tile("disk", ".number") + ".textContent === '2.0 k'")
	bo.wait("!document.querySelector('.tile[data-who]')")

	ana.click("document.querySelector('#add')", 1)
	ana.click("document.querySelector('#adding button[value=gauge]')", 1)
	bo.wait("document.querySelectorAll('.tile').length === 4 && document.querySelector('.body.gauge')")
	converge(t, n, "three", ana, bo)

	// What others wrote is text, never markup.
	bo.wait(tile("note", ".body") + ".textContent.includes('Hello <b>world</b>')")
}

func TestOtherDashboards(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	ana.click("document.querySelector('[popovertarget=boards]')", 1)
	ana.wait("document.querySelector('#list a.here')?.textContent === 'Three'")
	ana.must(ana.Eval("document.querySelector('#create').focus()", nil))
	ana.must(ana.Type("Fresh start"))
	ana.must(ana.Key("Enter", false))
	ana.wait("location.hash.startsWith('#fresh-start') && document.querySelector('#title').value === 'Fresh start'")
	ana.wait("document.querySelector('#problem').textContent.startsWith('Nothing here yet')")
	ana.status("Saved")
	ana.must(ana.Eval("history.back()", nil))
	ana.shows("cpu", "CPU")
}

// The line that people try in the console of the page.
func TestAnyScriptOfThePageMayConnect(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	var first string
	ana.must(ana.Eval(`new Promise((done, fail) => {
		const socket = new WebSocket('ws://' + location.host + '/api/realtime?userId=test');
		socket.onmessage = (e) => { done(JSON.parse(e.data).type); socket.close(); };
		socket.onerror = () => fail(new Error('refused'));
	})`, &first))
	if first != "CONNECT" {
		t.Errorf("the first message is %s", first)
	}
}
