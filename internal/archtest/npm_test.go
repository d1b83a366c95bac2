package archtest

import (
	"encoding/json"
	"path"
	"testing"
)

// TestNPMPackages_AreWhole: npm puts into a package what stands in its folder, and its
// registry shows what its manifest says.
func TestNPMPackages_AreWhole(t *testing.T) {
	license := read(t, "LICENSE")
	for _, one := range []string{"client", "react"} {
		folder := path.Join("web/packages", one)
		if read(t, path.Join(folder, "LICENSE")) != license {
			t.Errorf("%s/LICENSE is not the project's", folder)
		}
		if read(t, path.Join(folder, "README.md")) == "" {
			t.Errorf("%s/README.md is empty", folder)
		}
		var m struct {
			Description, License, Type string
			Repository                 struct{ URL, Directory string }
			SideEffects                any
			Files                      []string
			Exports                    map[string]map[string]string
			Engines                    map[string]string
			PublishConfig              struct{ Access string }
			Scripts                    map[string]string
		}
		if err := json.Unmarshal([]byte(read(t, path.Join(folder, "package.json"))), &m); err != nil {
			t.Fatal(err)
		}
		if m.Description == "" || m.License != "Apache-2.0" || m.Type != "module" || m.Repository.URL == "" || m.Repository.Directory != folder ||
			m.SideEffects == nil || len(m.Files) == 0 || m.Engines["node"] == "" || m.PublishConfig.Access != "public" || m.Scripts["prepack"] == "" {
			t.Errorf("%s/package.json lacks what a publisher needs: %+v", folder, m)
		}
		for name, to := range m.Exports {
			if to["types"] == "" || to["default"] == "" {
				t.Errorf("%s/package.json: %s has no types or no default: %v", folder, name, to)
			}
		}
	}
}
