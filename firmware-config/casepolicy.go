package firmwareconfig

import (
	"lanewarden/drivers/driver"
	"lanewarden/firmware-config/casepolicy"
)

// Cases is how the alarms of an agent's lanes are adjudicated.
type Cases struct {
	// Policy is a built-in one by its name, or a file by its path.
	Policy driver.Ref[casepolicy.Policy] `yaml:"policy" default:"standard" builtin:"cases" example:"standard"`
}

// ReadCasePolicy reads a policy of cases: a built-in one by its name, any other by its file's path. Errors are those of
// LoadDocument.
func ReadCasePolicy(name string) (*casepolicy.Policy, error) {
	var ref driver.Ref[casepolicy.Policy]
	if err := LoadDocument(&ref, CasePolicies, name); err != nil {
		return nil, err
	}
	return ref.Value, nil
}

// CasePolicy returns the policy of an agent's cases: the one that it names, else the standard one.
func (c *Config) CasePolicy() (*casepolicy.Policy, error) {
	if c.Cases != nil && c.Cases.Policy.Value != nil {
		return c.Cases.Policy.Value, nil
	}
	return ReadCasePolicy("standard")
}
