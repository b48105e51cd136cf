package kinds

import "lanewarden/drivers/observation"

// ordersChecked says what was taken from the centre, or that it was refused.
func ordersChecked(b *observation.OrdersChecked) Text {
	way := map[observation.OrdersChecked_Way]Text{
		observation.OrdersChecked_WAY_LINK:   say("orders-checked.link"),
		observation.OrdersChecked_WAY_FOLDER: say("orders-checked.folder"),
	}[b.Way]
	t := sentence(
		when(b.Refusal != "", say("orders-checked.refused")),
		when(len(b.Taken) > 0, count("orders-checked.taken", len(b.Taken))),
		when(b.Refusal == "" && len(b.Taken) == 0, say("orders-checked.nothing")),
		way,
		when(len(b.Taken) > 0, names(b.Taken)),
		when(b.TimestampVersion > 0, say("orders-checked.version", arg("version", plainNumber(b.TimestampVersion)))))
	return t.saying(b.Message, b.Text)
}

// names lists the first of the files that were taken.
func names(taken []*observation.OrdersTarget) Text {
	const most = 6
	var paths []string
	for _, t := range taken[:min(len(taken), most)] {
		paths = append(paths, t.Path)
	}
	return list(paths)
}
