ALTER TABLE banyan.example ADD COLUMN note text;
