//go:build browser

package pagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dashwire/dashwire/board"
)

// script runs a client of the page's own making against a server that the test plays:
// get(…messages) hands over what the server says, sent() returns what the client has
// sent since, and view() what it shows.
const script = `(async () => {
	const { Sync } = await import(new URL('sync.js', document.baseURI));
	const real = window.WebSocket, log = [];
	let socket;
	window.WebSocket = class { constructor() { socket = this; } send(text) { log.push(JSON.parse(text)); } close() {} };
	const told = [];
	const client = new Sync({ clientId: 'me', user: 'Ana', changed() {}, fed() {}, told: (text) => told.push(text) });
	client.open('d');
	client.connect();
	window.WebSocket = real;
	const say = (m) => socket.onmessage({ data: JSON.stringify({ ...m, payload: { dashboardId: 'd', ...m.payload } }) });
	const sent = (type) => log.splice(0).filter((m) => !type || m.type === type);
	const hello = { protocol: 1, sessionId: 'S', serverTime: new Date().toISOString(), heartbeat: { intervalMs: 25000, timeoutMs: 10000 }, reconnect: { minMs: 500, maxMs: 20000 } };
	const entry = (version, title, more) => ({ type: 'WIDGET_UPDATE', id: 'op' + version, payload: { epoch: 'e', version, author: { userId: 'bo', clientId: 'other' }, change: { widgets: { w: { set: { '/title': title } } } }, ...more } });
	const title = () => client.view.widgets.w?.title;
	const check = (what, got, want) => { if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(what + ': ' + JSON.stringify(got) + ', want ' + JSON.stringify(want)); };
	const begin = (version = 5) => {
		say({ type: 'CONNECT', payload: hello });
		check('CONNECT', sent()[0].payload, { clientId: 'me', heartbeat: 'app' });
		say({ type: 'CONNECT', correlationId: 'c', payload: hello });
		const [ask] = sent('SYNC_REQUEST');
		say({ type: 'SYNC_RESPONSE', correlationId: ask.id, payload: { epoch: 'e', version, role: 'owner', mode: 'snapshot', presence: [], data: {},
			document: { settings: {}, widgets: { w: { title: 'five' } }, layouts: { main: { columns: 24, compact: 'vertical', items: { w: { x: 0, y: 0, w: 6, h: 4, static: false } } } } } } });
		sent();
	};
	%s
})()`

func TestR2_VersionsOnceAndInOrder(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	for _, c := range []struct{ name, steps string }{
		{"an entry", `begin(); say(entry(6, 'six')); check('title', title(), 'six');`},
		{"what is known is ignored", `begin(); say(entry(5, 'old')); check('title', title(), 'five'); check('sent', sent().length, 0);`},
		{"a gap is asked for, once", `
			begin();
			say(entry(7, 'seven'));
			say(entry(8, 'eight'));
			const asks = sent();
			check('asks', asks.map((m) => m.payload), [{ dashboardId: 'd', since: { epoch: 'e', version: 5 } }]);
			check('title', title(), 'five');
			say({ type: 'SYNC_RESPONSE', correlationId: asks[0].id, payload: { epoch: 'e', version: 8, role: 'owner', mode: 'delta', presence: [], data: {},
				entries: [entry(6, 'six'), entry(7, 'seven'), entry(8, 'eight')] } });
			say(entry(9, 'nine'));
			check('title', title(), 'nine');
			check('asks', sent('SYNC_REQUEST').length, 0);`},
		{"a range, also one that overlaps", `
			begin();
			say({ type: 'SYNC_UPDATE', payload: { epoch: 'e', from: 4, version: 8, change: { widgets: { w: { set: { '/title': 'eight' } } } } } });
			check('title', title(), 'eight');
			say(entry(9, 'nine'));
			check('title', title(), 'nine');`},
		{"a range after a gap is asked for", `
			begin();
			say({ type: 'SYNC_UPDATE', payload: { epoch: 'e', from: 6, version: 8, change: {} } });
			check('asks', sent('SYNC_REQUEST').length, 1);`},
		{"the own op by its ACK", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'mine' } });
			check('shown at once', title(), 'mine');
			const [op] = sent();
			say({ type: 'ACK', correlationId: op.id, payload: { version: 6, inStream: true, status: 'applied' } });
			check('ops', client.ops.length, 0);
			check('base', client.base().baseVersion, 6);
			say(entry(7, 'seven'));
			check('title', title(), 'seven');`},
		{"the effect that the ACK tells", `
			begin();
			client.submit('LAYOUT_UPDATE', { moved: { w: { x: 3, y: 7 } } });
			const [op] = sent();
			say({ type: 'ACK', correlationId: op.id, payload: { version: 6, inStream: true, status: 'applied', change: { layouts: { main: { items: { w: { x: 3, y: 0, w: 6, h: 4, static: false } } } } } } });
			check('place', client.view.layouts.main.items.w, { x: 3, y: 0, w: 6, h: 4, static: false });`},
		{"an ACK that is not in the stream", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'five' } });
			const [op] = sent();
			say({ type: 'ACK', correlationId: op.id, payload: { version: 5, inStream: false, status: 'unchanged' } });
			check('base', client.base().baseVersion, 5);
			check('ops', client.ops.length, 0);`},
		{"an op below the entries of others", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'mine' } });
			say(entry(6, 'six'));
			check('title', title(), 'mine');`},
		{"a snapshot that was not asked for", `
			begin();
			say({ type: 'SYNC_RESPONSE', payload: { epoch: 'e', version: 9, role: 'owner', mode: 'snapshot', presence: [], data: {},
				document: { settings: {}, widgets: { w: { title: 'nine' } }, layouts: { main: { columns: 24, items: {} } } } } });
			check('title', title(), 'nine');
			say(entry(10, 'ten'));
			check('title', title(), 'ten');`},
		{"another epoch", `
			begin();
			say(entry(6, 'six', { epoch: 'f' }));
			check('asks', sent('SYNC_REQUEST').length, 1);
			check('title', title(), 'five');`},
		{"widgets come and go", `
			begin();
			say(entry(6, '', { change: { widgets: { n: { value: { title: 'new', config: { a: null } } } }, layouts: { main: { items: { n: { x: 6, y: 0, w: 6, h: 4, static: false } } } } } }));
			say(entry(7, '', { change: { widgets: { n: { set: { '/config/b/c~1d': 1 }, unset: ['/config/a', '/gone/too'] } } } }));
			check('n', client.view.widgets.n, { title: 'new', config: { b: { 'c/d': 1 } }, gone: {} }); // parents are made (E6)
			say(entry(8, '', { change: { widgets: { w: null }, layouts: { main: { items: { w: null } } } } }));
			check('left', Object.keys(client.view.widgets).concat(Object.keys(client.view.layouts.main.items)), ['n', 'n']);`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := ana.Eval(fmt.Sprintf(script, c.steps), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestE3_OpsAreSentUntilAnswered(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	for _, c := range []struct{ name, steps string }{
		{"again after a retryable NACK, with the same id", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'mine' } });
			const [first] = sent();
			say({ type: 'NACK', correlationId: first.id, payload: { code: 'UNAVAILABLE', message: 'away', retryable: true, retryAfterMs: 1 } });
			check('kept', client.ops.length, 1);
			while (!log.length) await new Promise((next) => setTimeout(next, 1));
			const [again] = sent();
			check('again', [again.id, again.payload], [first.id, first.payload]);`},
		{"again after a new connection", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'mine' } });
			const [first] = sent();
			socket.onclose({ code: 1006 });
			clearTimeout(client.retry);
			check('status', client.status[1], 'Offline: 1 change kept in this tab');
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'more' } });
			window.WebSocket = class { constructor() { socket = this; } send(text) { log.push(JSON.parse(text)); } close() {} };
			client.connect();
			window.WebSocket = real;
			hello.sessionId = 'S2';
			say({ type: 'CONNECT', payload: hello });
			say({ type: 'CONNECT', correlationId: 'c', payload: hello });
			const ask = sent().at(-1);
			check('since', ask.payload.since, { epoch: 'e', version: 5 });
			say({ type: 'SYNC_RESPONSE', correlationId: ask.id, payload: { epoch: 'e', version: 6, role: 'owner', mode: 'delta', presence: [], data: {}, entries: [{ ...entry(6, 'mine'), id: first.id }] } });
			const again = sent('WIDGET_UPDATE');
			check('the other one only', again.map((m) => m.payload.set), [{ '/title': 'more' }]);`},
		{"refused for good", `
			begin();
			client.submit('WIDGET_UPDATE', { widgetId: 'w', set: { '/title': 'mine' } });
			const [op] = sent();
			say({ type: 'NACK', correlationId: op.id, payload: { code: 'INVALID', message: 'no', retryable: false } });
			check('title', title(), 'five');
			check('status', client.status[1], 'Not saved (1)');`},
		{"told what was overwritten", `
			begin();
			say(entry(6, 'six', { overwrote: [{ path: '/title', author: { userId: 'Ana', clientId: 'me' }, version: 5, value: 'five' }] }));
			check('told', told, ['bo replaced what you wrote: "five"']);`},
		{"parts of an answer", `
			say({ type: 'CONNECT', payload: hello });
			say({ type: 'CONNECT', correlationId: 'c', payload: hello });
			const ask = sent('SYNC_REQUEST')[0];
			const part = (part, document, more) => say({ type: 'SYNC_RESPONSE', correlationId: ask.id, payload: { epoch: 'e', version: 5, role: 'owner', mode: 'snapshot', part, parts: 3, document, ...more } });
			part(1, { settings: { title: 'T' }, widgets: { a: { title: 'A' } } });
			part(2, { widgets: { b: { title: 'B' } } });
			check('nothing yet', client.view, null);
			part(3, { layouts: { main: { columns: 12, compact: 'none', items: {} } } }, { data: { a: { data: 1, mode: 'replace' } }, presence: [{ sessionId: 'X', state: null }] });
			check('whole', [client.view.settings, Object.keys(client.view.widgets), client.view.layouts.main.columns], [{ title: 'T' }, ['a', 'b'], 12]);
			check('the rest', [client.values.get('a'), client.people.size], [1, 1]);`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := ana.Eval(fmt.Sprintf(script, c.steps), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestR8_ALargeDashboardArrivesInParts(t *testing.T) {
	n := newNode(t)
	doc := three()
	long := strings.Repeat("many words ", 200)
	for i := range 200 {
		id := fmt.Sprintf("text-%03d", i)
		doc.Widgets[id] = board.Value(fmt.Sprintf(`{"config":{"text":%q},"title":%q,"type":"text"}`, long, id))
		doc.Layouts["main"].Items[id] = board.Rect{X: i % 4 * 6, Y: 8 + i/4*4, W: 6, H: 4}
	}
	n.put("large", doc)
	ana := open(t, "Ana", n.addr, "large")
	ana.wait("document.querySelectorAll('.tile').length === 203")
	ana.rename("cpu", "In between")
	ana.wait("Number(document.querySelector('#grid').dataset.version) === 2")
}

func TestC6_ATabThatIsReplacedStops(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	ana.must(ana.Eval(`window.other = new WebSocket('ws://' + location.host + '/api/realtime?userId=Ana', 'dashwire.v1');
		other.onopen = () => other.send(JSON.stringify({ type: 'CONNECT', id: 'c1', payload: { clientId: sessionStorage.clientId } })); 0`, nil))
	ana.status("Stopped: this tab was opened again elsewhere")
}

func TestC6_ADuplicatedTabIsAnotherClient(t *testing.T) {
	n := newNode(t)
	n.put("three", three())
	ana := open(t, "Ana", n.addr, "three")
	var mine, copied string
	ana.must(ana.Eval("sessionStorage.clientId", &mine))
	// A duplicated tab begins with a copy of the session's storage.
	ana.must(ana.Eval(`(async () => {
		const { claimClientId } = await import(new URL('sync.js', document.baseURI));
		return claimClientId();
	})()`, &copied))
	if mine == "" || copied == mine {
		t.Errorf("both tabs are client %q", mine)
	}
}
