package pagetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// Page is one window with storage of its own, like that of another person.
type Page struct {
	browser *Browser
	session string
	context string // its storage

	mu       sync.Mutex
	problems []string // what the console says is wrong
}

// Open opens an empty window of so many CSS pixels. Init is JavaScript that runs
// before anything else in every document.
func (b *Browser) Open(width, height int, init string) (*Page, error) {
	var context struct{ BrowserContextID string }
	var target struct{ TargetID string }
	var attached struct{ SessionID string }
	err := b.ask("Target.createBrowserContext", nil, &context)
	if err == nil {
		err = b.ask("Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.BrowserContextID, "newWindow": true}, &target)
	}
	if err == nil {
		err = b.ask("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	}
	if err != nil {
		return nil, fmt.Errorf("pagetest.Browser.Open: %w", err)
	}
	p := &Page{browser: b, session: attached.SessionID, context: context.BrowserContextID}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, c := range []struct {
		method string
		params any
	}{
		{"Page.enable", nil},
		{"Runtime.enable", nil},
		{"Log.enable", nil},
		{"Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": init}},
	} {
		if err := p.do(c.method, c.params); err != nil {
			return nil, fmt.Errorf("pagetest.Browser.Open: %w", err)
		}
	}
	return p, p.Resize(width, height)
}

// Close closes the window without asking the page, and forgets its storage.
func (p *Page) Close() error {
	_, err := p.browser.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": p.context})
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	delete(p.browser.pages, p.session)
	return err
}

func (b *Browser) ask(method string, params, into any) error {
	result, err := b.call("", method, params)
	if err != nil {
		return err
	}
	return json.Unmarshal(result, into)
}

func (p *Page) do(method string, params any) error {
	_, err := p.browser.call(p.session, method, params)
	return err
}

// event notes what the console says is wrong.
func (p *Page) event(method string, params json.RawMessage) {
	var e struct {
		Type             string // of consoleAPICalled
		Args             []struct{ Value, Description any }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry struct{ Level, Text, URL string }
	}
	if json.Unmarshal(params, &e) != nil {
		return
	}
	problem := ""
	switch {
	case method == "Runtime.exceptionThrown":
		problem = e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description
	case method == "Runtime.consoleAPICalled" && (e.Type == "error" || e.Type == "assert"):
		problem = fmt.Sprint(e.Args)
	case method == "Log.entryAdded" && e.Entry.Level == "error":
		problem = e.Entry.Text + " " + e.Entry.URL
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

// Problems lists what the console said is wrong, apart from lines that hold one of the
// words: a connection that the test itself has cut is no fault of the page.
func (p *Page) Problems(apart ...string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, problem := range p.problems {
		expected := false
		for _, word := range apart {
			expected = expected || strings.Contains(problem, word)
		}
		if !expected {
			all = append(all, problem)
		}
	}
	return all
}

// Resize gives the window so many CSS pixels.
func (p *Page) Resize(width, height int) error {
	return p.do("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

// Scheme makes the system prefer "light" or "dark".
func (p *Page) Scheme(scheme string) error {
	return p.do("Emulation.setEmulatedMedia",
		map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}})
}

// Go loads an address.
func (p *Page) Go(url string) error { return p.do("Page.navigate", map[string]any{"url": url}) }

// Eval runs an expression in the page, waits for it if it is a promise, and reads its
// value into the variable that into points to, unless that is nil.
func (p *Page) Eval(expression string, into any) error {
	result, err := p.browser.call(p.session, "Runtime.evaluate",
		map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	if err != nil {
		return err
	}
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := json.Unmarshal(result, &out); err != nil {
		return fmt.Errorf("pagetest.Page.Eval: %w", err)
	}
	if e := out.ExceptionDetails; e != nil {
		return fmt.Errorf("%s %s", e.Text, e.Exception.Description)
	}
	if into == nil || len(out.Result.Value) == 0 {
		return nil
	}
	return json.Unmarshal(out.Result.Value, into)
}

// Wait returns once an expression is true, which it looks at in every frame that the
// page draws. It gives up after 10 s and says what show was then.
func (p *Page) Wait(condition, show string) error {
	return p.Eval(fmt.Sprintf(`new Promise((done, fail) => {
		const end = performance.now() + 10000;
		const safely = (f) => { try { return f(); } catch (e) { return undefined; } };
		const look = () => {
			if (safely(() => (%s))) done(true);
			else if (performance.now() > end) fail(new Error('waited in vain for ' + %q + '; instead ' + JSON.stringify(safely(() => (%s)))));
			else setTimeout(look, 8);
		};
		look();
	})`, condition, condition, show), nil)
}

// Mouse sends one mouse event at a place of the window: mousePressed, mouseMoved or mouseReleased.
func (p *Page) Mouse(kind string, x, y float64, clicks int) error {
	return p.do("Input.dispatchMouseEvent",
		map[string]any{"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": clicks})
}

// virtualKeys are the codes by which the browser itself, not the page, knows keys.
var virtualKeys = map[string]int{
	"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Delete": 46,
}

// Key presses and releases a key by its DOM name.
func (p *Page) Key(key string, shift bool) error {
	params := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": virtualKeys[key]}
	if shift {
		params["modifiers"] = 8
	}
	if key == "Enter" {
		params["text"] = "\r"
	}
	if err := p.do("Input.dispatchKeyEvent", params); err != nil {
		return err
	}
	delete(params, "text")
	params["type"] = "keyUp"
	return p.do("Input.dispatchKeyEvent", params)
}

// Type writes text where the focus is, in place of what is selected.
func (p *Page) Type(text string) error { return p.do("Input.insertText", map[string]any{"text": text}) }

// Screenshot writes what the window shows to a PNG file.
func (p *Page) Screenshot(path string) error {
	result, err := p.browser.call(p.session, "Page.captureScreenshot", map[string]any{"format": "png"})
	if err != nil {
		return err
	}
	var shot struct{ Data string }
	if err := json.Unmarshal(result, &shot); err != nil {
		return fmt.Errorf("pagetest.Page.Screenshot: %w", err)
	}
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		return fmt.Errorf("pagetest.Page.Screenshot: %w", err)
	}
	return os.WriteFile(path, data, 0o644)
}
