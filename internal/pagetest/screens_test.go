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
	"github.com/dashwire/dashwire/board"
	"github.com/dashwire/dashwire/internal/hostmetrics"
)

var (
	screens = flag.String("screens", "", "keep the screenshots in this folder")
	readme  = flag.Bool("readme", false, "renew docs/screens/dashboard.png")
	gather  = flag.Duration("gather", time.Second, "measure this machine for so long before the screenshots; a minute fills the charts")
)

// machine makes the dashboard of this machine.
func machine(n *node) {
	n.t.Helper()
	doc := hostmetrics.DemoDocument(hostmetrics.NewSampler(hostmetrics.Options{}).Facts())
	doc.Settings = doc.Settings.With("/title", `"Build machine"`)
	n.put(hostmetrics.DemoID, doc)
}

// measure feeds it with what this machine does for so long, while a program edits it.
func measure(n *node) {
	n.t.Helper()
	ctx, as := context.Background(), dashwire.App("test")
	sampler := hostmetrics.NewSampler(hostmetrics.Options{})
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	begin := time.Now()
	for i := 0; time.Since(begin) < *gather; i++ {
		op := fmt.Sprintf(`{"type":"WIDGET_UPDATE","id":"edit-%d","payload":{"dashboardId":"machine","widgetId":"note","set":{"/config/description":"%d edits"}}}`, i, i)
		if _, err := n.server.Submit(ctx, as, []byte(op)); err != nil {
			n.t.Fatal(err)
		}
		sample, err := sampler.Sample(time.Now())
		if err != nil {
			n.t.Fatal(err)
		}
		seconds := time.Since(begin).Seconds()
		own := hostmetrics.ServerStats{
			Sessions: n.server.Stats().Sessions.Sessions, AckP99: n.acks.Counts().Quantile(0.99),
			EditsPerSecond: float64(n.edits.Load()) / seconds, DeliveriesPerSecond: float64(n.deliveries.Load()) / seconds,
		}
		var values []dashwire.Value
		for _, v := range hostmetrics.Values(sample, own) {
			values = append(values, dashwire.Value{WidgetID: v.WidgetID, Data: v.Data, Append: v.Mode == hostmetrics.Append, Window: v.Window})
		}
		if err := n.server.Feed(ctx, as, hostmetrics.DemoID, values...); err != nil {
			n.t.Fatal(err)
		}
		<-tick.C
	}
}

// The page at the sizes and in the schemes that people have, for looking at.
func TestScreens(t *testing.T) {
	dir := *screens
	if dir == "" {
		dir = t.TempDir()
	}
	n := newNode(t)
	machine(n)
	ana, bo := open(t, "Ana Ruiz", n.addr, hostmetrics.DemoID), open(t, "Bo Lind", n.addr, hostmetrics.DemoID)
	measure(n)
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

// kinds has a tile of each kind, in each status, and some that a page cannot draw.
func kinds() *board.Document {
	doc := &board.Document{Settings: `{"title":"Every kind of tile"}`, Widgets: map[string]board.Value{}, Layouts: map[string]*board.Layout{}}
	items := map[string]board.Rect{}
	for i, w := range []struct {
		id    string
		value board.Value
		w, h  int
	}{
		{"row", `{"title":"A section","type":"row"}`, 24, 1},
		{"fine", `{"config":{"unit":"percent"},"title":"All is well","type":"stat"}`, 6, 4},
		{"near", `{"config":{"thresholds":[{"status":"attention","value":70},{"status":"danger","value":90}],"unit":"percent"},"title":"Attention","type":"stat"}`, 6, 4},
		{"over", `{"config":{"thresholds":[{"status":"attention","value":70},{"status":"danger","value":90}],"unit":"percent"},"title":"Danger","type":"stat"}`, 6, 4},
		{"none", `{"title":"Nothing came","type":"stat"}`, 6, 4},
		{"gauge", `{"config":{"thresholds":[{"status":"attention","value":70}],"unit":"percent"},"title":"Gauge","type":"gauge"}`, 6, 7},
		{"bars", `{"config":{"thresholds":[{"status":"danger","value":90}],"unit":"percent"},"title":"Bars","type":"bargauge"}`, 6, 7},
		{"table", `{"title":"Table","type":"table"}`, 6, 7},
		{"text", `{"config":{"text":"# Heading\n\nSome **bold** words, some ` + "`code`" + ` and <img src=x onerror=alert(1)>.\n\n- one\n- two"},"title":"Text","type":"text"}`, 6, 7},
		{"html", `{"config":{"mode":"html","text":"<b>not bold</b>"},"title":"HTML is shown as it is","type":"text"}`, 8, 5},
		{"map", `{"config":{"grafana":{"targets":[{"expr":"sum by (country) (rate(http_requests_total[5m]))"}]}},"title":"Visitors","type":"geomap"}`, 8, 5},
		{"later", `{"config":{"grafana":{"targets":[{"expr":"rate(errors_total[5m])"}]}},"title":"Errors","type":"timeseries"}`, 8, 5},
	} {
		doc.Widgets[w.id] = w.value
		items[w.id] = board.Rect{X: w.w * i % 24, Y: 100 * i, W: w.w, H: w.h}
	}
	for i, id := range []string{"fine", "near", "over", "none", "gauge", "bars", "table", "text"} {
		r := items[id]
		r.X, r.Y = 6*(i%4), 100+100*(i/4)
		items[id] = r
	}
	for i, id := range []string{"html", "map", "later"} {
		r := items[id]
		r.X, r.Y = 8*i, 1000
		items[id] = r
	}
	layout := &board.Layout{Columns: 24, Compact: board.CompactVertical, Items: items}
	doc.Layouts["main"] = layout.Normalise(nil)
	return doc
}

func TestEveryKindOfTile(t *testing.T) {
	n := newNode(t)
	n.put("kinds", kinds())
	ana := open(t, "Ana", n.addr, "kinds")
	for id, data := range map[string]board.Value{
		"fine": `{"detail":"of four machines","value":12.5}`, "near": `{"value":71}`, "over": `{"value":99.9}`, "gauge": `{"detail":"71 of 100","value":71}`,
		"bars":  `{"values":[{"label":"/","value":40},{"label":"/home","value":71},{"label":"/var","value":93}]}`,
		"table": `{"columns":["Name","Count"],"rows":[["<b>one</b>",1],["two",22]]}`,
	} {
		if err := n.server.Feed(context.Background(), dashwire.App("test"), "kinds", dashwire.Value{WidgetID: id, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	ana.wait(tile("fine", ".number") + ".textContent === '12.5 %'")
	ana.wait(tile("over", ".body") + ".dataset.status === 'danger'")
	ana.wait("document.querySelectorAll('.level').length === 3")
	ana.wait(tile("table", "td") + ".textContent === '<b>one</b>'")
	ana.wait(tile("none", "") + ".matches('.waiting')")
	ana.wait(tile("map", ".body") + ".textContent.includes('cannot draw tiles of type “geomap”')")
	ana.wait(tile("map", ".query") + ".textContent.startsWith('sum by')")
	ana.wait(tile("text", ".body") + ".textContent.includes('<img src=x') && !document.querySelector('.body img')")
	if *screens != "" {
		ana.must(ana.Resize(1280, 720))
		ana.must(ana.Screenshot(filepath.Join(*screens, "light-kinds.png")))
		ana.must(ana.Scheme("dark"))
		ana.must(ana.Screenshot(filepath.Join(*screens, "dark-kinds.png")))
	}
}
