package board

import (
	"testing"

	"pgregory.net/rapid"
)

func TestL1_RectangleVectors(t *testing.T) {
	var vectors layoutVectors
	readVectors(t, "layout.json", &vectors)
	for _, v := range vectors.Rectangles {
		t.Run(v.Description, func(t *testing.T) {
			got, err := ParseRect(mustValue(t, v.Text))
			if v.Rect == nil {
				if err == nil || err.Code != CodeInvalidLayout || err.Path != v.Path {
					t.Errorf("got %+v, %v, want %s at %q", got, err, CodeInvalidLayout, v.Path)
				}
				return
			}
			if want := Rect(*v.Rect); err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestL1_OnlyWhatTheGestureChanged(t *testing.T) {
	old := Rect{X: 1, Y: 2, W: 3, H: 4}
	tests := []struct {
		name, patch string
		want        Rect
	}{
		{"nothing", `{}`, old},
		{"a move", `{"x":5,"y":6}`, Rect{X: 5, Y: 6, W: 3, H: 4}},
		{"a resize", `{"w":5,"h":6}`, Rect{X: 1, Y: 2, W: 5, H: 6}},
		{"static", `{"static":true}`, Rect{X: 1, Y: 2, W: 3, H: 4, Static: true}},
		{"to zero", `{"x":0,"y":0}`, Rect{W: 3, H: 4}},
		{"everything", `{"x":5,"y":6,"w":7,"h":8,"static":false}`, Rect{X: 5, Y: 6, W: 7, H: 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParseRectPatch(mustValue(t, tt.patch))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.On(old); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestL2_PlacedRectanglesMayLieFurtherDown(t *testing.T) {
	far := Rect{X: 1, Y: 2_000_000, W: 3, H: 4}
	v := Value(AppendRect(nil, far))
	if got, err := ParsePlacedRect(v); err != nil || got != far {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParseRect(v); err == nil {
		t.Error("the same may be asked for")
	}
	for _, text := range []string{`{"x":0,"y":1073741825,"w":1,"h":1}`, `{"x":0,"y":0,"w":1,"h":9007199254740991}`, `{"x":0,"y":0,"w":1}`} {
		if got, err := ParsePlacedRect(mustValue(t, text)); err == nil || err.Code != CodeInvalidLayout {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
}

func TestD6_RectanglesAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rect{
			X: rapid.IntRange(-50, 50).Draw(t, "x"), Y: rapid.IntRange(-50, MaxY).Draw(t, "y"),
			W: rapid.IntRange(-50, 50).Draw(t, "w"), H: rapid.IntRange(-50, MaxHeight).Draw(t, "h"),
			Static: rapid.Bool().Draw(t, "static"),
		}
		v := Value(AppendRect(nil, r))
		checkCanonical(t, v)
		if got, err := ParseRect(v); err != nil || got != r {
			t.Fatalf("got %+v, %v, want %+v", got, err, r)
		}
	})
}
