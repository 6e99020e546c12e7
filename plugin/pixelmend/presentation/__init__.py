"""What any front end shows: forms, messages, tasks."""
