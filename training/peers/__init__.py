"""What the predictions are compared with: what shops use today and what data scientists use, on the same rows."""
