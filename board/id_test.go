package board

import (
	"strings"
	"testing"
)

func TestD2_IDVectors(t *testing.T) {
	var vectors valueVectors
	readVectors(t, "values.json", &vectors)
	for _, v := range vectors.IDs {
		t.Run(v.Description, func(t *testing.T) {
			err := CheckID("widget", v.ID)
			if v.Valid {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Code != CodeInvalidID {
				t.Fatalf("got %v, want %s", err, CodeInvalidID)
			}
			if !strings.Contains(err.Message, "widget id") || len(err.Message) > 200 {
				t.Errorf("the message does not say which id: %q", err.Message)
			}
		})
	}
}
