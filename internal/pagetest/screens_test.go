//go:build browser

package pagetest

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/dashwire/dashwire"
	"github.com/dashwire/dashwire/internal/hostmetrics"
)

var (
	screens = flag.String("screens", "", "keep the screenshots in this folder")
	readme  = flag.Bool("readme", false, "renew docs/screens/dashboard.png")
	gather  = flag.Duration("gather", time.Second, "measure this machine for so long before the screenshots; a minute fills the charts")
)

// machine shows the dashboard of this machine, with the values of so many seconds.
func machine(t *testing.T, n *node) {
	t.Helper()
	sampler := hostmetrics.NewSampler(hostmetrics.Options{})
	doc := hostmetrics.DemoDocument(sampler.Facts())
	doc.Settings = doc.Settings.With("/title", `"Build machine"`)
	n.put(hostmetrics.DemoID, doc)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(*gather); time.Now().Before(end); <-tick.C {
		sample, err := sampler.Sample(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		own := hostmetrics.ServerStats{Sessions: n.server.Stats().Sessions.Sessions}
		var values []dashwire.Value
		for _, v := range hostmetrics.Values(sample, own) {
			values = append(values, dashwire.Value{WidgetID: v.WidgetID, Data: v.Data, Append: v.Mode == hostmetrics.Append, Window: v.Window})
		}
		if err := n.server.Feed(context.Background(), dashwire.App("test"), hostmetrics.DemoID, values...); err != nil {
			t.Fatal(err)
		}
	}
}

// The page at the sizes and in the schemes that people have, for looking at.
func TestScreens(t *testing.T) {
	dir := *screens
	if dir == "" {
		dir = t.TempDir()
	}
	n := newNode(t)
	bo := visit(t, "Bo Lind", n.addr, "elsewhere")
	machine(t, n)
	ana := open(t, "Ana Ruiz", n.addr, hostmetrics.DemoID)
	bo.must(bo.Eval("location.hash = 'machine'", nil))
	bo.shows("load", "Load")
	bo.begin("load")
	ana.wait("document.querySelector('[data-id=load][data-who]')")
	ana.click("document.querySelector('#span label')", 1)

	shoot := func(name string) {
		t.Helper()
		// The widest content must fit: a page that scrolls sideways is broken.
		ana.wait("document.documentElement.scrollWidth <= innerWidth")
		ana.must(ana.Eval("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))", nil))
		ana.must(ana.Screenshot(filepath.Join(dir, name+".png")))
	}
	for _, scheme := range []string{"light", "dark"} {
		ana.must(ana.Scheme(scheme))
		for _, size := range [][2]int{{390, 844}, {1280, 860}, {2560, 1300}} {
			ana.must(ana.Resize(size[0], size[1]))
			shoot(fmt.Sprintf("%s-%d", scheme, size[0]))
		}
		ana.must(ana.Resize(1280, 860))
		ana.click(tile("disk-io", "button.more"), 1)
		shoot(scheme + "-options")
		ana.click("document.querySelector('#add')", 1)
		shoot(scheme + "-add")
		ana.click("document.querySelector('#sheet [data-turn=\"\"]')", 1)
		ana.click("document.querySelector('#me')", 1)
		shoot(scheme + "-menu")
		ana.must(ana.Key("Escape", false))
	}
	if *readme {
		ana.must(ana.Screenshot(filepath.FromSlash("../../docs/screens/dashboard.png")))
	}
	n.stop()
	ana.status("Reconnecting…")
	shoot("dark-offline")
}
