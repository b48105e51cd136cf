package web

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// debianNode is the version of Node.js in Debian bookworm, on which the browser test and the type check are to run.
var debianNode = [2]int{18, 20}

// atLeast is the way in which our packages say which Node.js they need: ">=18", ">= 14.17".
var atLeast = regexp.MustCompile(`^>= ?(\d+)(?:\.(\d+))?`)

// Every package that the browser test and the type check use runs on Debian's Node.js: npm installs one that does not,
// and it fails when it is used.
func TestPackagesRunOnDebiansNode(t *testing.T) {
	text, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Version string
			Engines struct{ Node string }
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	if len(lock.Packages) < 5 {
		t.Fatalf("package-lock.json has %d packages", len(lock.Packages))
	}
	for name, p := range lock.Packages {
		if p.Engines.Node == "" {
			continue
		}
		m := atLeast.FindStringSubmatch(p.Engines.Node)
		if m == nil {
			t.Errorf("%s %s needs Node.js %q, which this test cannot read", name, p.Version, p.Engines.Node)
			continue
		}
		major, _ := strconv.Atoi(m[1])
		minor, _ := strconv.Atoi(m[2]) // 0 for none
		if major > debianNode[0] || major == debianNode[0] && minor > debianNode[1] {
			t.Errorf("%s %s needs Node.js %s, Debian bookworm has %d.%d: take the last version of the package that runs on it",
				name, p.Version, p.Engines.Node, debianNode[0], debianNode[1])
		}
	}
}
