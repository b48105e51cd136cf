package cases

import (
	"testing"

	"google.golang.org/protobuf/proto"

	firmwareconfig "lanewarden/firmware-config"
)

// TestStandardPolicy: the built-in policy is what holds where no row says anything, and that a second reader does not know the first
// verdict.
func TestStandardPolicy(t *testing.T) {
	p, err := firmwareconfig.ReadCasePolicy("standard")
	if err != nil {
		t.Fatal(err)
	}
	got, want := p.Rules(), DefaultRules()
	want.SecondBlind = true
	want.Policy, want.Sha256 = got.Policy, got.Sha256
	if !proto.Equal(got, want) || p.SHA256 == [32]byte{} {
		t.Errorf("%v\n%v", got, want)
	}
}
