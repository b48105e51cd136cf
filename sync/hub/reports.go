package hub

import (
	"fmt"
	"net/http"
	"time"

	"lanewarden/edge/api"
	"lanewarden/sync/hub/hubapi"
	"lanewarden/sync/hub/reports"
)

// report serves hubapi.GetReport.
func (s *httpServer) report(c *api.Call, q hubapi.ReportQuery) (hubapi.Report, error) {
	r, err := reports.Of(s.views, q, c.User.Sees, time.Now())
	if err != nil {
		return hubapi.Report{}, err
	}
	return *r, nil
}

// exportReport serves hubapi.ExportReport.
func (s *httpServer) exportReport(w http.ResponseWriter, c *api.Call, q hubapi.ReportQuery) error {
	r, err := reports.Of(s.views, q, c.User.Sees, time.Now())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", r.Kind+"-"+r.Period+".csv"))
	return reports.CSV(w, r)
}
