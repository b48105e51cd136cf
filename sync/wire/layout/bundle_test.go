package layout

import "testing"

func TestParseBundle(t *testing.T) {
	for path, want := range map[string]Bundle{
		"bundles/emerson-east/lane-3/config-7": {Site: "emerson-east", Agent: "lane-3", Name: "config-7", Version: 7},
		"bundles/emerson-east/two-words-12":    {Site: "emerson-east", Name: "two-words-12", Version: 12},
		"bundles/config-7":                     {},
		"bundles/s/a/b/config-7":               {},
		"bundles/s/config":                     {},
		"bundles/s/config-0":                   {},
		"bundles/s/config-07":                  {},
		"bundles/s/config-7.tar":               {},
		"bundles/../s/config-7":                {},
		"lists/s/config-7":                     {},
		"bundles/s/config-1234567890123456789": {},
	} {
		if got, ok := ParseBundle(path); got != want || ok != (want != Bundle{}) {
			t.Errorf("%s: %+v %v", path, got, ok)
		}
	}
}
