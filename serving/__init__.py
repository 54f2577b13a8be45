"""The batch run and the service: stored scores, the API and the pages."""
