package board

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func viaEntry(via string) *Entry {
	return &Entry{
		Type: TypeUpdate, ID: "a-1", DashboardID: "ops", Epoch: "e", Version: 1, Via: via, Status: StatusApplied,
		Time: time.UnixMilli(1).UTC(), Author: Author{UserID: "ana", ClientID: "c"}, Change: &Change{Settings: &Patch{Unset: []Pointer{"/a"}}},
	}
}

func TestR7_ViaIsStoredAndNotSent(t *testing.T) {
	rec := EncodeRecord(viaEntry("token:\"\n\u2028"))
	if bytes.Contains(rec.Envelope, []byte("via")) || !bytes.HasPrefix(rec.Data, []byte(`{"format":2,`)) {
		t.Errorf("the record is %s", rec.Data)
	}
	e, err := ParseRecord(rec.Data)
	if err != nil || e.Via != "token:\"\n\u2028" {
		t.Fatalf("it comes back as %+v, %v", e, err)
	}
	if env := EnvelopeOf(rec.Data); !bytes.Equal(env, rec.Envelope) {
		t.Errorf("its envelope is found as %s", env)
	}
}

// What is written without it is what builds from before wrote, byte for byte.
func TestR7_RecordsWithoutViaAreAsBefore(t *testing.T) {
	const before = `{"format":1,"hash":"00000000000000000000000000000000","status":"applied","entry":{"type":"WIDGET_UPDATE","id":"a-1","timestamp":"1970-01-01T00:00:00.001Z","userId":"ana","payload":{"dashboardId":"ops","epoch":"e","version":1,"author":{"userId":"ana","clientId":"c"},"change":{"settings":{"unset":["/a"]}}}}}`
	if got := EncodeRecord(viaEntry("")).Data; string(got) != before {
		t.Errorf("written is\n%s\nwant\n%s", got, before)
	}
	if _, err := ParseRecord([]byte(before)); err != nil {
		t.Error(err)
	}
	if _, err := ParseRecord([]byte(strings.Replace(before, `"format":1`, `"format":3`, 1))); !errors.Is(err, ErrFormat) {
		t.Errorf("a format from later gives %v", err)
	}
}
