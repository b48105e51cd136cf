package kinds

import (
	"path"

	"lanewarden/drivers/observation"
)

// bundleState says what became of a bundle of configuration, and what is in force after a return.
func bundleState(b *observation.BundleState) Text {
	code, ok := map[observation.BundleState_Step]string{
		observation.BundleState_STEP_STAGED:   "bundle.staged",
		observation.BundleState_STEP_REFUSED:  "bundle.refused",
		observation.BundleState_STEP_SWITCHED: "bundle.switched",
		observation.BundleState_STEP_HEALTHY:  "bundle.healthy",
		observation.BundleState_STEP_REVERTED: "bundle.reverted",
	}[b.Step]
	if !ok {
		return plainly(path.Base(b.Bundle)).saying(b.Message, b.Text) // of a later version
	}
	back := when(b.Step == observation.BundleState_STEP_REVERTED, say("bundle.back-file"))
	if b.Step == observation.BundleState_STEP_REVERTED && b.InForce != "" {
		back = say("bundle.back", arg("bundle", path.Base(b.InForce)))
	}
	return sentence(say(code, arg("bundle", path.Base(b.Bundle))), back).saying(b.Message, b.Text)
}
