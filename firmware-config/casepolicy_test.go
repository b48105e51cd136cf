package firmwareconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lanewarden/drivers/driver"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/casepolicy"
)

// What is wrong with a policy is told with a suggestion.
func TestCasePolicyProblems(t *testing.T) {
	right, _, err := ReadDocument(CasePolicies, "standard")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown key":  {"deadlines:", "deadline:", `unknown key "deadline"; did you mean "deadlines"?`},
		"unknown code": {`"5"]`, `"12"]`, `"12"`},
		"unknown role": {"third: [expert", "third: [guard", `"guard"`},
		"too short":    {"lane: 10m", "lane: 1s", "1m"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "p.yaml")
			if err := os.WriteFile(file, []byte(strings.Replace(string(right), c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			var ref driver.Ref[casepolicy.Policy]
			err := LoadDocument(&ref, CasePolicies, file)
			if err == nil || !strings.Contains(message.Of(err).English(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
